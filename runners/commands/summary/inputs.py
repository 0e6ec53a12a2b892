"""What the summary is read from: the log, a benchmark, and the summary before."""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import takewhile
from math import inf
from pathlib import Path
from typing import Any, NamedTuple

from alertlib.errors import DataError
from alertlib.scorecard.card import READABLE, read_card
from alertlib.scorecard.form import is_number
from runners.commands.summary.auditing import Anchor, Audited
from runners.commands.summary.measures import Measures, of_card
from runners.commands.summary.operation import Operated
from runners.live.audit_log.deliveries import count
from runners.live.audit_log.log import open_log
from runners.live.audit_log.verify import verify
from runners.trial.promises import PROMISES

SCHEMA = "summary.v1"
_BENCHMARK = "the JSON file written by runners.benchmark --json"
_PREVIOUS = "the JSON file of runners.summary --json, or a scorecard"


class Previous(NamedTuple):
    """What an earlier summary, or scorecard, had said.

    Attributes
    ----------
    path, at : str
        Its file, and when it was made; empty where it does not say.
    measures : dict
        See :mod:`runners.commands.summary.measures`.
    is_synthetic : bool
        Whether it is a scorecard of made-up bars, with which nothing is compared.
    anchor : Anchor or None
        Where the audit log stood.
    """

    path: str
    at: str
    measures: Measures
    is_synthetic: bool
    anchor: Anchor | None


def read_log(path: str, before: Anchor | None) -> tuple[Audited, Operated | None]:
    """Verify the log, and count what was delivered up to the event that was verified last."""
    with open_log(path) as log:
        report = verify(log)
        meta = log.meta() if report.intact else None
        anchor = Anchor("" if meta is None else meta.epoch, report.head, report.head_hash)
        audited = Audited(report, anchor, before)
        if not report.intact:
            return audited, None
        if (
            before is not None
            and audited.is_same_database
            and not log.contains(before.seq, before.hash)
        ):
            report.add(f"anchor {before}: the log no longer contains it; it was rewritten")
            return audited, None
        tally = count(takewhile(lambda record: record.seq <= report.head, log.records()))
        pending = log.connection.execute("SELECT count(*) FROM outbox").fetchone()[0]
    return audited, Operated(tally, pending)


def read_benchmark(path: str) -> dict[str, float | None]:
    """Return what ``runners.benchmark --json`` measured, by the keys of ``PROMISES``.

    The limits are those of this version, whatever the file says they were.

    Raises
    ------
    DataError
        It cannot be read, or is something else.
    """
    said = _json(path, _BENCHMARK)
    rows = said.get("criteria") if isinstance(said, Mapping) else None
    if not isinstance(rows, list) or not all(
        isinstance(row, Mapping)
        and isinstance(row.get("key"), str)
        and (row.get("value") is None or is_number(row["value"]))
        for row in rows
    ):
        raise DataError(f"{path}: not a benchmark; expected {_BENCHMARK}")
    found = {row["key"]: _measured(row) for row in rows if row["key"] in PROMISES}
    if not found:
        raise DataError(f"{path}: none of the promised figures; expected {_BENCHMARK}")
    return found


def _measured(row: Mapping[str, Any]) -> float | None:
    """Return a figure; infinite for what never happened, which has no number in JSON."""
    value: float | None = row.get("value")
    if value is None and row.get("met") is False:
        return inf if PROMISES[row["key"]].op == "<" else 0.0
    return value


def read_previous(path: str) -> Previous:
    """Return what an earlier summary or scorecard had said.

    Raises
    ------
    DataError
        It cannot be read, or is neither.
    """
    said = _json(path, _PREVIOUS)
    schema = said.get("schema") if isinstance(said, Mapping) else None
    if schema in READABLE:
        card = read_card(json.dumps(said), path)
        synthetic = card["data"].get("synthetic") is not False
        return Previous(path, card["generated_at"] or "", of_card(card), synthetic, None)
    if schema != SCHEMA:
        raise DataError(f"{path}: neither a summary nor a scorecard; expected {_PREVIOUS}")
    try:
        measures, anchor = dict(said["measures"]), said["audit"]["anchor"]
        noted = Anchor(str(anchor["epoch"]), int(anchor["seq"]), str(anchor["hash"]))
        if not all(value is None or is_number(value) for value in measures.values()):
            raise ValueError("measures are numbers")
        # A log that had failed then had no name, and nothing to hold the one of today against.
        known = noted if noted.epoch else None
        return Previous(path, str(said["generated_at"]), measures, False, known)
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(
            f"{path}: not a whole summary ({error}); expected {_PREVIOUS}; write it again"
        ) from error


def _json(path: str, expected: str) -> Any:
    try:
        return json.loads(Path(path).read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(f"{path}: cannot be read ({error}); expected {expected}") from error
