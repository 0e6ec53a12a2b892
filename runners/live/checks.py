"""``--check`` and ``--send-test-mail``: what would keep the daemon from working."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from alertlib.detection.models import load_models
from alertlib.detection.registry import enabled_detectors
from alertlib.errors import AlertlibError, BusyError, ConfigError, DataError, StorageError
from runners._extras import MissingExtraError, install, require_extra
from runners._main import FAILED, OK
from runners.live.channels import http_servers, needs_http, read_keys
from runners.live.database.place import require_file
from runners.live.delivery.channel import Result, Verdict
from runners.live.websocket.tls import find_certificate

if TYPE_CHECKING:
    import argparse

    from alertlib.config import Config
    from runners.live.delivery.transport import Server
    from runners.live.mail.settings import Access

_MAIL_MODULES = ("aiosmtplib", "jinja2")
_ROOM = 1 << 20
_CALL_SECONDS = 8.0
_TERMINAL_SECONDS = 11.0
_NO_TERMINAL = (
    f"the MetaTrader 5 terminal did not answer within {_TERMINAL_SECONDS:g} s, expected account "
    "and symbols; look at its window and its connection"
)


def check(config: Config, args: argparse.Namespace, database: str) -> int:
    """Check every part, one line each on stdout; return the status of the first that fails."""
    steps: dict[str, Callable[[], str]] = {}
    if args.check:
        steps |= {
            "config": lambda: str(config.source or "built-in defaults"),
            "imports": lambda: _imports(config),
            "secrets": lambda: _secrets(config, os.environ),
            "detectors": lambda: _detectors(config),
            "certificate": lambda: _certificate(config),
            "database": lambda: _database(database),
            "address": lambda: _address(config, args, database),
            "feed": lambda: _feed(config, args),
            "smtp": lambda: _smtp(config, os.environ),
        }
        steps |= _looks(http_servers(config, os.environ))
    if args.send_test_mail:
        steps["test mail"] = lambda: _test_mail(config, os.environ)
    statuses = [_report(name, step) for name, step in steps.items()]
    return next((status for status in statuses if status), OK)


def _report(name: str, step: Callable[[], str]) -> int:
    try:
        answer = step()
    except (AlertlibError, MissingExtraError) as error:
        print(f"FAIL  {name}: {error}", flush=True)
        return error.exit_status
    print(f"ok    {name}: {answer}", flush=True)
    return OK


class NotWellError(AlertlibError):
    """Something that no start refuses, such as a server that does not answer."""

    exit_status = FAILED


def _imports(config: Config) -> str:
    names = ["websockets", *(_MAIL_MODULES if config.delivery.email.enabled else ())]
    extras = dict.fromkeys(names, "live") | ({"httpx": "channels"} if needs_http(config) else {})
    for name, extra in extras.items():
        try:
            import_module(name)
        except ImportError as error:
            raise ConfigError(
                f"module {name}: cannot be imported ({error}), expected it to be installed; run "
                f"{install(extra)}"
            ) from None
    return ", ".join(extras)


def _secrets(config: Config, environ: Mapping[str, str]) -> str:
    from runners.live.mail.track_record import pattern_records
    from runners.live.websocket.auth import authenticator

    found = authenticator(config.delivery.websocket, environ)
    pattern_records(config.live.scorecard)
    read_keys(config, environ)
    weak = f" (weak: {', '.join(found.weak)})" if found.weak else ""
    return f"present{weak}"


def _certificate(config: Config) -> str:
    settings = config.delivery.websocket
    certificate = find_certificate(settings)
    if certificate is None:
        return "none: the url is ws://"
    if trouble := certificate.trouble(time.time()):
        raise NotWellError(f"{settings.certificate_file}: {trouble}")
    found = f"{settings.certificate_file} with {settings.key_file}"
    return f"{found}, until {certificate.until}" if certificate.until else found


def _mail_access(config: Config, environ: Mapping[str, str]) -> Access | None:
    from runners.live.mail.settings import mail_access

    email = config.delivery.email
    return mail_access(email, environ) if email.enabled else None


def _detectors(config: Config) -> str:
    detectors = enabled_detectors(config.detection)
    missing = load_models(detectors, config.live.models)[1]
    off = "".join(f"; {name} is off: {why}" for name, why in missing.items())
    return ", ".join(detector.name for detector in detectors) + off


def _database(path: str) -> str:
    from runners.live.alert_store.opening import look
    from runners.live.database import lock
    from runners.live.database.mark import read_mark

    require_file(path)
    if lock.is_held(path):
        return f"{path} is in use by a running daemon"
    if not os.path.exists(path):
        _require_place(path)
        read_mark(os.path.realpath(path))
        return f"{path} will be created"
    return f"{path}, {look(path)}"


def _require_place(path: str) -> None:
    """Make and remove a file where the database's folder is, or will be."""
    folder = Path(path).resolve().parent
    while not os.path.lexists(folder):
        folder = folder.parent
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(bytes(_ROOM))
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise StorageError(
            f"{folder}: cannot be written ({error.strerror or error}), expected a folder with a "
            f"place for {path}; use --db"
        ) from None


def _address(config: Config, args: argparse.Namespace, database: str) -> str:
    from runners.live.database import lock
    from runners.live.websocket.auth import require_safe_bind
    from runners.live.websocket.listening import bind

    url = urlsplit(config.delivery.websocket.url)
    host = args.host or url.hostname or "localhost"
    port = (url.port or 8765) if args.port is None else args.port
    is_tls = config.delivery.websocket.certificate_file is not None
    require_safe_bind(host, tls=is_tls, allow_remote=args.allow_remote)
    try:
        for sock in bind(host, port):
            sock.close()
    except BusyError:
        if not lock.is_held(database):
            raise
        return f"{host} port {port} is in use, as is the database"
    return f"{host} port {port} is free"


def _feed(config: Config, args: argparse.Namespace) -> str:
    from runners.live.feed.base import configured_streams
    from runners.live.feed.choice import feed_kind, replay_source
    from runners.live.feed.replay import ReplayFeed

    if feed_kind(config, args.feed, args.bars) == "replay":
        source = replay_source(config, args.bars)

        async def read() -> str:
            feed = ReplayFeed(config, source, 0.0)
            try:
                origins = await feed.open()
            finally:
                await feed.close()
            return f"replay of {source}: " + ", ".join(" ".join(one.key) for one in origins)

        return asyncio.run(read())
    return _terminal(configured_streams(config))


def _terminal(streams: list[tuple[str, str]]) -> str:
    from runners.mt5.client import TerminalClient

    with TerminalClient(
        os.environ, retries=0, call_seconds=_CALL_SECONDS, silence_seconds=_TERMINAL_SECONDS
    ) as client:
        # However many questions: whoever waits for a check is not to wait for ever.
        overdue = time.monotonic() + _TERMINAL_SECONDS
        end = threading.Timer(_TERMINAL_SECONDS, client.close)
        end.start()
        try:
            identity = client.identity()
            for symbol in dict.fromkeys(symbol for symbol, _ in streams):
                client.info(symbol)
        except (DataError, RuntimeError) as error:
            late = time.monotonic() >= overdue
            raise NotWellError(_NO_TERMINAL if late else str(error)) from None
        finally:
            end.cancel()
    names = ", ".join(f"{symbol} {timeframe}" for symbol, timeframe in streams)
    return f"terminal {identity['path']}, account {identity['login']}: {names}"


def _smtp(config: Config, environ: Mapping[str, str]) -> str:
    from runners.live.mail.pool import probe

    if (access := _mail_access(config, environ)) is None:
        return "e-mail is not enabled"
    answer = asyncio.run(probe(config.delivery.email, access))
    if config.delivery.email.operator is None:
        return f"{answer}; nobody is told of trouble: delivery.email.operator is null"
    return answer


def _looks(servers: Mapping[str, Callable[[], Server]]) -> dict[str, Callable[[], str]]:
    """Begin to look at every server, at once: several that hang cost as much time as one."""
    if not servers:
        return {}
    pool = ThreadPoolExecutor(len(servers))
    looks = {name: pool.submit(_looked_at, make) for name, make in servers.items()}
    pool.shutdown(wait=False)
    return {name: look.result for name, look in looks.items()}


def _looked_at(make: Callable[[], Server]) -> str:
    """Return how a server answers; nothing is sent to anybody."""
    require_extra("channels")
    server = make()

    async def look() -> Result:
        try:
            return await server.look()
        finally:
            await server.close()

    result = asyncio.run(look())
    if result.verdict is not Verdict.answered:
        raise NotWellError(
            f"failed at {result.stage}: {result.reason}, expected an answer; check its "
            "address and secret"
        )
    return f"answers ({result.reason})"


def _test_mail(config: Config, environ: Mapping[str, str]) -> str:
    from runners.live.mail.notices import send_test_mail

    if (access := _mail_access(config, environ)) is None:
        raise ConfigError(
            "delivery.email.enabled: got false, expected true to send a test message; enable it"
        )
    lines = asyncio.run(send_test_mail(config.delivery.email, access))
    for line in lines[:-1]:
        print(f"ok    test mail: {line}", file=sys.stdout)
    return lines[-1]
