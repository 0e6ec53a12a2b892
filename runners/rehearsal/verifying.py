"""What has to hold after the day: delivery, parity, audit, speed, health."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from runners.rehearsal.audience import RECIPIENTS, Audience, Received
from runners.rehearsal.checklist import Checklist, require
from runners.rehearsal.day import fields
from runners.rehearsal.play import Played
from runners.rehearsal.stage import Stage
from runners.trial.promises import PROMISES

MOST_COPIES = 3
"""Of one message over a kill and a restore; at least once is what is promised."""

Alert = Mapping[str, Any]


def verify(
    checklist: Checklist,
    stage: Stage,
    audience: Audience,
    played: Played,
    expected: Sequence[Alert],
    database: Path,
) -> None:
    """Fill the checks that the day was played for."""
    with checklist.check("websocket_fila_integrador") as said:
        said.append(_over_the_kill(audience, played))
    with checklist.check("websocket_server") as said:
        said.append(_each_once_in_order(audience, played, len(expected)))
    with checklist.check("restore") as said:
        said.append(_after_the_restore(audience, played, len(expected)))
    with checklist.check("bdi_integration") as said:
        said.append(_parity(audience, played, expected))
    identities = [alert["id"] for alert in expected]
    with checklist.check("email") as said:
        said.append(_letters(audience, played, identities))
    with checklist.check("webhook") as said:
        said.append(_calls(audience, identities))
    with checklist.check("audit_log") as said:
        said.append(_audit(stage, database, played, expected))
    with checklist.check("performance") as said:
        said.append(_performance(stage, audience, played))
    with checklist.check("monitoring") as said:
        said.append(_monitoring(stage))


def _of(audience: Audience, epoch: str) -> dict[str, list[Received]]:
    return {
        name: [one for one in messages if one.epoch == epoch]
        for name, messages in audience.received.items()
    }


def _over_the_kill(audience: Audience, played: Played) -> str:
    for name, messages in _of(audience, played.epochs[0]).items():
        numbers = [one.seq for one in messages]
        wanted = list(range(1, played.seen + 1))
        require(
            numbers[: played.seen] == wanted,
            f"client {name}: got {numbers[: played.seen]} around the kill, expected 1 to "
            f"{played.seen}, each once",
        )
    return f"{played.seen} alerts to each client around a kill -9, none lost, none twice"


def _each_once_in_order(audience: Audience, played: Played, count: int) -> str:
    require(not audience.errors, "; ".join(audience.errors))
    for epoch in played.epochs:
        for name, messages in _of(audience, epoch).items():
            numbers = [one.seq for one in messages]
            require(
                numbers == list(range(1, len(numbers) + 1)),
                f"client {name}: got numbers {numbers}, expected each once and in order",
            )
    return f"{len(audience.received)} clients, {count} alerts each, in order, no gap"


def _after_the_restore(audience: Audience, played: Played, count: int) -> str:
    before, after = played.epochs
    require(before != after, "the restored database kept its epoch")
    for name, messages in _of(audience, after).items():
        require(
            len(messages) == count,
            f"client {name}: got {len(messages)} alerts after the restore, expected all {count}",
        )
    return f"backup at {_number(played.anchors[0])}, put back after alert {played.seen}, new epoch"


def _parity(audience: Audience, played: Played, expected: Sequence[Alert]) -> str:
    for name, messages in _of(audience, played.epochs[1]).items():
        got = [fields(one.data) for one in messages]
        for number, (one, wanted) in enumerate(zip(got, expected, strict=False), start=1):
            differing = [key for key in wanted if one[key] != wanted[key]]
            require(
                not differing,
                f"client {name}, alert {number}: {', '.join(differing)} is not the backtest's",
            )
        require(len(got) == len(expected), f"client {name}: {len(got)} of {len(expected)} alerts")
    return f"{len(expected)} alerts equal to the backtest's in {len(expected[0])} fields"


def _letters(audience: Audience, played: Played, identities: Sequence[str]) -> str:
    letters = audience.letters
    keys = [f"{one.alert_id} to {one.recipient}" for one in letters]
    wanted = [f"{alert} to {to}" for alert in identities for to in RECIPIENTS]
    _each_delivered("letter", keys, [one.message_id for one in letters], wanted)
    by_kill = played.letters - len(set(keys[: played.letters]))
    require(by_kill <= MOST_COPIES, f"{by_kill} second copies by one kill, expected at most 3")
    again = len(keys) - played.letters - len(set(keys) - set(keys[: played.letters]))
    return (
        f"{len(wanted)} letters taken; second copies under the same Message-ID: {by_kill} by the "
        f"kill, {again} by the restore"
    )


def _calls(audience: Audience, identities: Sequence[str]) -> str:
    calls = audience.calls
    unsigned = sum(not one.is_signed for one in calls)
    require(not unsigned, f"{unsigned} of {len(calls)} calls have a wrong signature")
    keys = [one.alert_id for one in calls]
    _each_delivered("call", keys, [one.webhook_id for one in calls], identities)
    again = len(keys) - len(set(keys))
    return f"{len(identities)} alerts, every signature right; {again} second calls, same id"


def _each_delivered(
    what: str, keys: Sequence[str], names: Sequence[str], wanted: Iterable[str]
) -> None:
    """Require one name per thing, nothing missing, nothing else, and few copies."""
    missing = [key for key in wanted if key not in set(keys)]
    require(not missing, f"no {what} for {len(missing)} of the alerts, first {missing[:1]}")
    others = set(keys) - set(wanted)
    require(not others, f"{len(others)} {what}s about no alert of the day")
    named = set(zip(keys, names, strict=True))
    require(len(named) == len(set(keys)), f"a {what} came under two names")
    most = max(Counter(keys).values())
    require(most <= MOST_COPIES, f"a {what} came {most} times, expected at most {MOST_COPIES}")


def _audit(stage: Stage, database: Path, played: Played, expected: Sequence[Alert]) -> str:
    for anchor in played.anchors:
        said = stage.demand("audit", "verify", "--db", str(database), "--anchor", anchor)
    events = [
        json.loads(line)
        for line in stage.demand("audit", "export", "--db", str(database)).splitlines()
    ]
    logged = [event["data"]["id"] for event in events if event["kind"] == "alert"]
    require(logged == [alert["id"] for alert in expected], "the log's alerts are not the day's")
    marked = all(event["data"].get("replay") for event in events if event["kind"] == "alert")
    require(marked, "an alert of the replay is not marked as one")
    require(events[-1]["kind"] == "stop", f"the last event is {events[-1]['kind']}, expected stop")
    return f"{said.splitlines()[0].partition(';')[0]}; contains {len(played.anchors)} anchors"


def _performance(stage: Stage, audience: Audience, played: Played) -> str:
    shown = max(
        (delay for messages in audience.received.values() for delay in _live(messages, played)),
        default=float("inf"),
    )
    came = {
        one.data["id"]: _moment(one) for messages in audience.received.values() for one in
        reversed(messages)
    }  # fmt: skip
    first = {one.alert_id: one.accepted for one in reversed(audience.letters)}
    mailed = max((at - came[alert] for alert, at in first.items() if alert in came), default=0.0)
    figures = {"websocket": 1e3 * shown, "mail": 1e3 * mailed, "memory": stage.peak}
    for key, value in figures.items():
        promise = PROMISES[key]
        require(
            promise.is_kept_by(value),
            f"{key}: got {value:,.0f} {promise.unit}, expected {promise.op} {promise.limit:,g}",
        )
    peak = f"{stage.peak:.1f} MB" if stage.peak else "unknown"
    return (
        f"slowest alert {1e3 * shown:.0f} ms to a client before the kill, slowest letter "
        f"{mailed:.1f} s, memory at its peak {peak}"
    )


def _live(messages: Sequence[Received], played: Played) -> list[float]:
    """Return the delays of alerts that came while the client was surely connected."""
    begun = messages[0].at if messages else 0.0
    return [
        one.at - _moment(one)
        for one in messages
        if begun < _moment(one) and one.at < played.killed_at and one.epoch == played.epochs[0]
    ]


def _moment(one: Received) -> float:
    return datetime.fromisoformat(one.data["detected_at"]).timestamp()


def _monitoring(stage: Stage) -> str:
    bad = [look for look in stage.looks if look.status != 200 or look.reasons]
    require(not bad, f"/health: {bad[0].status if bad else ''} {bad[0].reasons if bad else ''}")
    require(set(stage.stops) == {0}, f"stops ended with {stage.stops}, expected 0")
    return (
        f"{len(stage.looks)} looks at /health, all good; {len(stage.stops)} clean stops, the "
        f"slowest {stage.slowest_stop:.1f} s"
    )


def _number(anchor: str) -> str:
    return f"event {anchor.partition(':')[0]}"
