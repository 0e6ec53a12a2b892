"""``python -m runners.live``: bars -> detectors -> store -> WebSocket clients and e-mail."""

from __future__ import annotations

import argparse
import sys
from argparse import ArgumentTypeError
from collections.abc import Sequence
from math import isfinite
from typing import TYPE_CHECKING

from runners._extras import require_extra
from runners._main import INTERRUPTED, OK, run
from runners.cli.parser import file_name, make_parser

if TYPE_CHECKING:
    from alertlib.config import Config

ABOUT = """Run the alert daemon: closed bars from a MetaTrader 5 terminal or a replayed file go
through the detectors into a durable store, to WebSocket clients and e-mail. SIGTERM, Ctrl-C and
--stop drain it. The first and only line on stdout is READY {...}."""

_OF_A_REPLAY = ("bars", "speed", "exit_at_end")
_NOT_TO_STOP = (
    "check", "send_test_mail", "dry_run", "speed", "exit_at_end", "host", "port", "allow_remote",
)  # fmt: skip


def main(argv: Sequence[str]) -> int:
    """Run the command."""
    args = _parse(argv)
    from alertlib.config import load_config
    from alertlib.market.clock import exchange_zone
    from runners.live.database.place import database_path
    from runners.live.feed.choice import database_of, feed_kind
    from runners.live.telemetry.logs import log_to_stderr

    config = load_config(args.config)
    kind = feed_kind(config, args.feed, args.bars)
    _refuse_unused(args, kind)
    database = args.db or database_of(kind, config.live, database_path(config))
    if args.stop:
        return _stop(database)
    exchange_zone()  # what has no zone would fail at its first alert
    require_extra("live")
    log_to_stderr(debug=args.debug)
    if args.check or args.send_test_mail:
        from runners.live.checks import check

        return check(config, args, database)
    return _serve(config, args, database)


def _parse(argv: Sequence[str]) -> argparse.Namespace:
    parser = make_parser("live", ABOUT)
    parser.add_argument("--feed", choices=("mt5", "replay"), help="default: live.feed")
    parser.add_argument(
        "--bars", metavar="F|DIR", type=file_name, help="bars to replay; default: data.source"
    )
    parser.add_argument(
        "--speed", metavar="X", type=speed, help="0 as fast as possible, 1 bar time"
    )
    parser.add_argument("--exit-at-end", action="store_true", help="end with the replay")
    parser.add_argument("--host", metavar="H", help="address; default: the URL's")
    parser.add_argument("--port", metavar="N", type=port, help="0 picks a free one")
    parser.add_argument("--allow-remote", action="store_true", help="other machines, without TLS")
    parser.add_argument(
        "--db", metavar="F", type=file_name, help="database; default: live.database, replay.db"
    )
    parser.add_argument("--dry-run", action="store_true", help="mark alerts, send no e-mail")
    parser.add_argument("--check", action="store_true", help="check everything and exit")
    parser.add_argument("--send-test-mail", action="store_true", help="mail every recipient")
    parser.add_argument("--stop", action="store_true", help="stop the daemon on this database")
    return parser.parse_args(argv)


def _refuse_unused(args: argparse.Namespace, kind: str) -> None:
    """Raise ConfigError for an option that would change nothing in what is asked for.

    A check takes the options of the start it is about, and --stop those that say which database.
    """
    from alertlib.errors import ConfigError

    for is_asked, what, unused in (
        (args.stop, "--stop, which only ends a daemon", _NOT_TO_STOP),
        (kind == "mt5", "the feed mt5, which is no replay", _OF_A_REPLAY),
        (args.send_test_mail, "--send-test-mail, which sends e-mail", ("dry_run",)),
    ):
        for name in unused if is_asked else ():
            value = getattr(args, name)
            if value is not None and value is not False:
                option = f"--{name.replace('_', '-')}"
                raise ConfigError(f"{option}: does not go with {what}; leave one of the two out")


def _stop(database: str) -> int:
    from runners.live.stopping import stop_daemon

    was_running = stop_daemon(database)
    print("stopped" if was_running else f"no daemon runs on {database}", file=sys.stderr)
    return OK


def _serve(config: Config, args: argparse.Namespace, database: str) -> int:
    import asyncio
    from dataclasses import replace

    from runners.live.daemon import Daemon, Options, StoreRecovered
    from runners.live.feed.choice import feed_kind, make_feed, replay_source

    kind = feed_kind(config, args.feed, args.bars)
    source = replay_source(config, args.bars) if kind == "replay" else None
    options = Options(
        database, args.host, args.port, args.allow_remote, args.dry_run, args.exit_at_end
    )

    async def serve() -> int:
        run_options = options
        while True:
            feed = make_feed(config, kind, source, 1.0 if args.speed is None else args.speed)
            try:
                daemon = Daemon(config, run_options, feed)
                stop = await daemon.run()
                return INTERRUPTED if stop.is_interrupt else OK
            except StoreRecovered:
                run_options = replace(options, port=daemon.port, is_again=True)
            finally:
                await feed.close()

    return asyncio.run(serve())


def speed(text: str) -> float:
    """Read a speed: a finite number of at least 0."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not isfinite(value) or value < 0.0:
        raise ArgumentTypeError(f"got {text!r}, expected a number of at least 0 such as 60")
    return value


def port(text: str) -> int:
    """Read a port number: 0 to 65535."""
    if not (text.isascii() and text.isdigit()) or int(text) > 65_535:
        raise ArgumentTypeError(f"got {text!r}, expected a port from 0 to 65535")
    return int(text)


if __name__ == "__main__":
    sys.exit(run(main, must_print=False))
