"""``python -m runners.audit``: what a person or a script asks of the log."""

from __future__ import annotations

import argparse
import json
import re
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from alertlib.errors import ConfigError
from alertlib.market.clock import utc_stamp
from runners.cli.parser import file_name, make_parser
from runners.commands.audit_options import Filter, data_of, parse_anchor, parse_bound
from runners.live.alert_store.copies import backup, restore
from runners.live.audit_log.log import AuditLog, open_log
from runners.live.audit_log.pruning import prune, years_before
from runners.live.audit_log.tail import tail_findings
from runners.live.audit_log.verify import checked, verify
from runners.live.database.chain import Record, json_line
from runners.live.database.errors import READ_ERRORS, storage_error
from runners.live.database.place import database_path
from runners.live.database.schema import newer_version

_EPILOG = """\
T: ISO date or date-time, UTC unless it has an offset, as the log's own times are. --since
includes T, --until does not, but a bare date includes that day. Exit: 0 done, 1 the log does
not verify, 2 usage, 3 no database, 4 unreadable. Never needs the daemon stopped. Keep what
`head` prints elsewhere: only with it can `verify --anchor` see that the end was cut off."""

_DIGEST = re.compile(r"\b([0-9a-f]{12})[0-9a-f]{52}\b")


def command(argv: Sequence[str]) -> int:
    """Run ``python -m runners.audit`` and return its exit status."""
    options = _parser().parse_args(argv)
    _refuse_unused(options)
    path = options.db or _configured_path(options.config)
    if options.action == "restore":
        return _restore(path, options)
    actions: dict[str, Callable[[AuditLog, argparse.Namespace], int]] = {
        "backup": _backup,
        "verify": _verify,
        "head": _head,
        "export": _export,
        "query": _query,
        "prune": _prune,
    }
    with open_log(path) as log:
        try:
            return actions[options.action](log, options)
        except READ_ERRORS as error:
            raise storage_error(path, "reading", error) from error


_ACTIONS = ("verify", "head", "export", "query", "prune", "backup", "restore")


def _parser() -> argparse.ArgumentParser:
    about = "Verify, anchor, export, query, prune, back up or restore the live runner's database."
    parser = make_parser("audit", about)
    parser.usage = "%(prog)s {verify,head,export,query,prune,backup F,restore F} [--db F] [options]"
    parser.epilog = _EPILOG
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    add = parser.add_argument
    add("action", choices=_ACTIONS, help=argparse.SUPPRESS)
    add("file", metavar="F", type=file_name, nargs="?", help=argparse.SUPPRESS)
    add(
        "--db",
        metavar="F",
        type=file_name,
        help="the database (default: audit.path or live.database)",
    )
    add("--anchor", metavar="SEQ:HASH", help="verify, restore: the log must contain this event")
    add("--since", metavar="T", help="export, query: events from T on")
    add("--until", metavar="T", help="export, query: events before T")
    add("--pattern", metavar="P", help="export, query: events about this pattern")
    add("--channel", metavar="C", help="export, query: websocket, email, …")
    add("--before", metavar="T", help="prune: before T (default: audit.retention_years ago)")
    add("--dry-run", action="store_true", help="prune: only say what would go")
    add("--json", action="store_true", help="JSON instead of text")
    return parser


_ONLY_FOR = {
    "anchor": ("verify", "restore"),
    "file": ("backup", "restore"),
    "since": ("export", "query"),
    "until": ("export", "query"),
    "pattern": ("export", "query"),
    "channel": ("export", "query"),
    "before": ("prune",),
    "dry_run": ("prune",),
}


def _refuse_unused(options: argparse.Namespace) -> None:
    for name, actions in _ONLY_FOR.items():
        if getattr(options, name) not in (None, False) and options.action not in actions:
            stated = options.file if name == "file" else f"--{name.replace('_', '-')}"
            raise ConfigError(
                f"{stated} is for {' and '.join(actions)}, not for {options.action}; leave it out"
            )
    if options.action in _ONLY_FOR["file"] and options.file is None:
        raise ConfigError(
            f"{options.action}: got no file, expected the copy's; as in {options.action} "
            "/backups/alerts-2026-07-28.db"
        )


def _settings(config: str | None) -> Any:
    from alertlib.config import load_config  # YAML is not needed with --db

    return load_config(config)


def _configured_path(config: str | None) -> str:
    return database_path(_settings(config))


def _verify(log: AuditLog, options: argparse.Namespace) -> int:
    report = verify(log, parse_anchor(options.anchor), now=time.time())
    head = f"{report.head}:{report.head_hash}"
    if options.json:
        _print_json(
            intact=report.intact,
            events=report.events,
            first=report.first,
            head=head,
            alerts=report.alerts,
            pruned=report.pruned,
            findings=report.findings,
            warnings=report.warnings,
        )
    elif report.intact:
        pruned = f", {report.pruned} pruned before them" if report.pruned else ""
        print(f"intact: {report.events} events, {report.alerts} alerts{pruned}; head {head}")
    else:
        print("\n".join(_printable(line) for line in report.findings))
    for line in report.warnings:
        print(f"warning: {_printable(line)}", file=sys.stderr if options.json else sys.stdout)
    if report.intact:
        return 0
    if (newer := newer_version(log.connection)) is not None:
        why = f"{newer}; verify it with that version"
    else:
        why = (
            f"the audit log does not verify ({len(report.findings)} findings); keep the file and "
            "compare it with a backup"
        )
    print(f"error: {log.path}: {why}", file=sys.stderr)
    return 1


def _backup(log: AuditLog, options: argparse.Namespace) -> int:
    report = backup(log, options.file)
    head = f"{report.head}:{report.head_hash}"
    if options.json:
        _print_json(copy=options.file, events=report.events, alerts=report.alerts, head=head)
    else:
        print(f"{options.file}: {report.events} events, {report.alerts} alerts; head {head}")
    return 0


def _restore(path: str, options: argparse.Namespace) -> int:
    done = restore(options.file, path, now=time.time(), anchor=parse_anchor(options.anchor))
    head = f"{done.report.head}:{done.report.head_hash}"
    if options.json:
        _print_json(database=path, head=head, epoch=done.epoch, kept=done.kept)
    else:
        kept = f"; what was there is kept as {done.kept}" if done.kept else ""
        print(f"{path}: restored through event {head}, new epoch {done.epoch}{kept}")
    return 0


def _head(log: AuditLog, options: argparse.Namespace) -> int:
    with log.snapshot():
        findings = tail_findings(log)
        last = log.last()
        meta = log.meta()
    if findings:
        return _unsound(log, findings)
    head = "0:" + "0" * 64 if last is None else f"{last.seq}:{last.hash}"
    if options.json:
        _print_json(head=head, epoch=None if meta is None else meta.epoch)
    else:
        print(head)
    return 0


def _export(log: AuditLog, options: argparse.Namespace) -> int:
    problems: list[str] = []
    # Bytes: the console's own encoding and line ends would make another file of it.
    write = sys.stdout.buffer.write
    for record in _selected(log, options, problems):
        write(f"{json_line(record)}\n".encode("utf-8", "replace"))
    sys.stdout.buffer.flush()
    return _unsound(log, problems) if problems else 0


def _query(log: AuditLog, options: argparse.Namespace) -> int:
    if options.json:
        return _export(log, options)
    problems: list[str] = []
    records = _selected(log, options, problems)
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    count = 0
    print(f"{'seq':>8}  {'time (UTC)':<26}  {'kind':<17}  {'actor':<12}  data")
    for record in records:
        line = (
            f"{record.seq:>8}  {record.ts[:26].replace('T', ' '):<26}  {record.kind:<17}  "
            f"{record.actor:<12}  {_summary(record)}"
        )
        print(_printable(line)[:width])
        count += 1
    print(f"{count} events")
    return _unsound(log, problems) if problems else 0


def _prune(log: AuditLog, options: argparse.Namespace) -> int:
    settings = _settings(options.config)
    if settings.audit.legal_hold:
        raise ConfigError("audit.legal_hold is true: nothing is removed until it is lifted")
    now = time.time()
    limit = utc_stamp(years_before(now, settings.audit.retention_years))
    before = parse_bound(options.before, "--before") or limit
    if before > limit:
        raise ConfigError(
            f"--before {options.before}: audit.retention_years {settings.audit.retention_years:g} "
            f"keeps everything since {limit}; choose an earlier time"
        )
    done = prune(log, now=now, before=before, dry_run=options.dry_run)
    if options.json:
        _print_json(pruned=done.count, through=done.through, dry_run=options.dry_run)
    else:
        verb = "would be removed" if options.dry_run else "removed"
        print(f"{done.count} events before {done.limit} {verb}; through event {done.through}")
    return 0


def _selected(log: AuditLog, options: argparse.Namespace, problems: list[str]) -> Iterator[Record]:
    chosen = Filter(
        parse_bound(options.since, "--since"),
        parse_bound(options.until, "--until", end=True),
        options.pattern,
        options.channel,
    )
    return (record for record in checked(log, problems) if chosen.accepts(record))


def _unsound(log: AuditLog, problems: Sequence[str]) -> int:
    print(
        f"error: {log.path}: the audit log does not verify ({_printable(problems[0])}); "
        "run python -m runners.audit verify",
        file=sys.stderr,
    )
    return 1


def _summary(record: Record) -> str:
    # Whole digests and long texts are for the export.
    pairs = (f"{key}={value}" for key, value in data_of(record).items() if key != "text")
    return _DIGEST.sub(r"\1…", " ".join(pairs))


def _printable(text: str) -> str:
    # A client's note must not write to somebody's terminal what it likes.
    return "".join(char if char.isprintable() else "?" for char in text)


def _print_json(**values: Any) -> None:
    print(json.dumps(values, ensure_ascii=False))
