"""What a channel decides: when to try, when to give up, when to send a digest instead.

Without a clock, a socket or a random number of its own: all three come in as arguments, and
decisions go out as values for the shell to carry out.

A copy in the outbox is sent by itself until it is delivered, refused for good, or older than it
may be. Where a channel has digests, an expired copy, or one of a backlog, joins one, which is then
sent in its stead; elsewhere an expired copy is given up.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from math import inf
from typing import Any, Literal, NamedTuple

from alertlib._backoff import capped_wait
from alertlib.config.types import mail_domain
from alertlib.texts.alerts import AlertView
from runners.live.alert_store.records import OutboxRow
from runners.live.delivery.channel import Channel, Result, Verdict

FIRST_RETRY_LOW, FIRST_RETRY_SPAN = 0.2, 0.6
RETRY_BASE, RETRY_FACTOR, RETRY_CAP = 0.5, 4.0, 300.0
DIGEST_MEMBERS = 500
MAX_ATTEMPTS = 500
"""A digest does not grow too old, but one put off this often (a day and more) is given up."""

Kind = Literal["alert", "correction", "digest", "notice"]


class Letter(NamedTuple):
    """One message to one recipient.

    Attributes
    ----------
    rows : tuple of OutboxRow
        The copy it is, or those a digest speaks for. A notice to the operator has none: it is
        not kept over a restart.
    due, expires : float
        Unix seconds; a digest does not expire.
    attempts : int
        Attempts already made.
    notice : mapping, optional
        ``{"title": str, "time": str, "lines": [str, ...], "about": [str, ...]}`` of a notice.
    lost : int
        Copies that a digest's recipient was never sent and is told of.
    delivered : callable, optional
        To be told once a notice was delivered, which is written down nowhere else.
    """

    kind: Kind
    rows: tuple[OutboxRow, ...]
    recipient: str
    message_id: str
    due: float
    expires: float
    attempts: int = 0
    notice: Mapping[str, Any] | None = None
    lost: int = 0
    delivered: Callable[[], None] | None = None


class Gathering(NamedTuple):
    """A digest nobody has tried to send yet, so copies may still join it."""

    message_id: str
    size: int


class Plan(NamedTuple):
    """What becomes of the copies that are due.

    Attributes
    ----------
    expired : list of OutboxRow
        Too old to be sent as new; each is in ``joins``, too, where there are digests.
    joins : dict of Message-ID to list of OutboxRow
        Copies that a digest takes over now.
    letters : list of Letter
        To be sent now, longest due first; what may have arrived already, or failed otherwise,
        is due anew and so behind whatever has not been tried. Digests of nothing but what is
        too old come last. Joins have to be written before.
    gathering : dict of recipient to Gathering
        Digests that more copies may join.
    """

    expired: list[OutboxRow]
    joins: dict[str, list[OutboxRow]]
    letters: list[Letter]
    gathering: dict[str, Gathering]


class Settlement(NamedTuple):
    """How an attempt ends for the outbox: ``retry_at`` (Unix seconds) only if it ``failed``."""

    outcome: Literal["delivered", "dead", "failed"]
    retry_at: float
    reason: str
    data: dict[str, Any]


def expires_at(alert: Mapping[str, Any], committed: float, ttl_seconds: float) -> float:
    """Return when an alert is too old to be sent as new, in Unix seconds.

    A late alert counts from the close of its bar, which a lost connection may have put long
    before its commit.
    """
    if alert.get("late"):
        committed = min(committed, AlertView(alert).bar_close.timestamp())
    return committed + ttl_seconds


def message_id(key: str, recipient: str, sender: str) -> str:
    """Return the Message-ID of a copy: the same for every attempt at it.

    Parameters
    ----------
    key : str
        What identifies the message: an alert's id, or a correction's own key.
    sender : str
        Address; its domain is the identifier's.
    """
    return f"<{copy_id(key, recipient)}@{mail_domain(sender)}>"


def copy_id(key: str, recipient: str) -> str:
    """Return what a copy is known by in every attempt at it: 32 hexadecimal digits."""
    return hashlib.sha256(f"{key}|{recipient}".encode()).hexdigest()[:32]


def retry_delay(failures: int, chance: float) -> float:
    """Return the seconds to wait after a letter's ``failures``-th failed attempt.

    ``chance`` is uniform on ``[0, 1)``: the jitter that keeps letters from returning together.
    """
    if failures <= 1:
        return FIRST_RETRY_LOW + FIRST_RETRY_SPAN * chance
    wait = capped_wait(failures - 1, first=RETRY_BASE, factor=RETRY_FACTOR, cap=RETRY_CAP)
    return chance * wait


def plan(
    rows: Iterable[OutboxRow],
    channel: Channel,
    digest_above: int | None,
    now: float,
    *,
    sender: str,
    gathering: Mapping[str, Gathering],
) -> Plan:
    """Decide what becomes of the copies that are due.

    Parameters
    ----------
    rows : iterable of OutboxRow
        Due copies, without those under way.
    digest_above : int
        More copies than this for one recipient go out as one digest; None: there are no digests.
    sender : str
        Address whose domain the digests' Message-IDs carry.
    gathering : mapping of recipient to Gathering
        Digests made earlier that are still open.
    """
    made = Plan([], {}, [], dict(gathering))
    fresh: dict[str, list[OutboxRow]] = {}
    digests: dict[str, list[OutboxRow]] = {}
    joining: list[OutboxRow] = []
    for row in rows:
        if row.digest is not None:
            digests.setdefault(row.digest, []).append(row)
        elif row.expires <= now:
            made.expired.append(row)
            if digest_above is not None:
                joining.append(row)
        else:
            fresh.setdefault(row.recipient, []).append(row)
    for waiting in fresh.values():
        if digest_above is not None and len(waiting) > digest_above and not channel.is_open:
            joining.extend(waiting)
        else:
            made.letters.extend(map(single, waiting))
    for row in joining:
        name = _join(made.gathering, row, sender)
        made.joins.setdefault(name, []).append(row)
        digests.setdefault(name, []).append(row._replace(digest=name))
    made.letters.extend(map(digest_letter, digests.values()))
    made.letters.sort(key=lambda one: (all(r.expires <= now for r in one.rows), one.due))
    return made


def single(row: OutboxRow) -> Letter:
    """Return the letter that is one copy."""
    return Letter(
        kind=row.message.type,
        rows=(row,),
        recipient=row.recipient,
        message_id=row.message_id,
        due=row.due,
        expires=row.expires,
        attempts=row.attempts,
    )


def digest_letter(members: Sequence[OutboxRow]) -> Letter:
    """Return the letter that speaks for the copies of one digest."""
    return Letter(
        kind="digest",
        rows=tuple(members),
        recipient=members[0].recipient,
        message_id=members[0].digest or members[0].message_id,
        due=min(row.due for row in members),
        expires=inf,
        attempts=min(row.attempts for row in members),
    )


def settle(
    letter: Letter, result: Result, channel: Channel, now: float, chance: float
) -> Settlement:
    """Return what becomes of a letter after an attempt.

    Parameters
    ----------
    channel : Channel
        Its health after this same result.
    now : float
        Unix seconds.
    chance : float
        Uniform on ``[0, 1)``.
    """
    data: dict[str, Any] = {"stage": result.stage}
    if result.code is not None:
        data["code"] = result.code
    if letter.kind == "digest":
        data["alerts"] = len(letter.rows)
    if result.verdict is Verdict.delivered:
        return Settlement("delivered", now, result.reason, data)
    failures = letter.attempts + 1
    if result.verdict is Verdict.refused or failures >= MAX_ATTEMPTS:
        return Settlement("dead", now, result.reason, data)
    data["outcome"] = "unknown" if result.is_unknown else result.verdict.value
    if channel.is_open:
        # Due as before: it is the channel that holds it back, and lets it go when it mends.
        return Settlement("failed", now, result.reason, data)
    retry_at = min(now + retry_delay(failures, chance), max(now, letter.expires))
    return Settlement("failed", retry_at, result.reason, data)


def _join(gathering: dict[str, Gathering], row: OutboxRow, sender: str) -> str:
    known = gathering.get(row.recipient)
    if known is None or known.size >= DIGEST_MEMBERS:
        # Named after its first member, which joins one digest only, once.
        known = Gathering(message_id(f"digest|{row.message_id}", row.recipient, sender), 0)
    gathering[row.recipient] = known._replace(size=known.size + 1)
    return known.message_id
