"""What became of letters: written to the outbox, counted, and said where nobody was reached."""

from __future__ import annotations

import logging
import time
from asyncio import wrap_future
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from alertlib.texts.formats import brasilia
from runners.live.alert_store.records import OutboxRow
from runners.live.delivery.channel import Result, cause
from runners.live.delivery.outbox import Outbox
from runners.live.delivery.policy import Letter, Settlement

LOSS_SECONDS = 3_600.0
"""How long a lost copy stays a reason on ``/health``."""
_SLICE_SECONDS = 60.0

log = logging.getLogger("alertas.delivery")

Loss = Literal["dead", "expired", "unwritable"]
_MEANINGS: dict[Loss, str] = {
    "dead": "refused for good",
    "expired": "too old before they could leave",
    "unwritable": "that no message can be made of",
}


@dataclass(slots=True)
class Stats:
    """Running figures for ``/metrics``.

    Attributes
    ----------
    letters : Counter
        Attempts by how they ended: the names of :class:`Verdict`.
    alerts : Counter
        Copies ``delivered``, ``dead``, ``unwritable`` and ``expired``; an expired one is counted
        again when the digest that tells of it is delivered.
    latencies : deque of float
        Seconds from detection to the server's yes, of the last thousand alerts sent singly.
    """

    letters: Counter[str] = field(default_factory=Counter)
    alerts: Counter[str] = field(default_factory=Counter)
    latencies: deque[float] = field(default_factory=lambda: deque(maxlen=1_000))


class Losses:
    """Copies that did not reach their recipient as alerts.

    In memory: the audit log has each of them for years. Times are seconds of a monotonic clock.
    """

    def __init__(self) -> None:
        self._slices: deque[tuple[float, Counter[tuple[Loss, str]]]] = deque()
        self._untold: Counter[str] = Counter()
        self._last = ""

    def add(self, loss: Loss, recipient: str, count: int, now: float, how: str = "") -> None:
        """Note copies lost; ``how`` is the stage and code, and names nobody."""
        if not self._slices or now - self._slices[-1][0] >= _SLICE_SECONDS:
            self._slices.append((now, Counter()))
        self._slices[-1][1][loss, recipient] += count
        self._last = how or self._last
        if loss != "expired":
            # A digest lists those that expired itself.
            self._untold[recipient] += count

    def reason(self, now: float) -> str:
        """Return one line on what was lost of late; empty if nothing was."""
        total: Counter[Loss] = Counter()
        for (loss, _), count in self._recent(now).items():
            total[loss] += count
        said = [f"{total[loss]} {meaning}" for loss, meaning in _MEANINGS.items() if total[loss]]
        if not said:
            return ""
        last = f"; the last refusal: {self._last}" if self._last else ""
        return f"{', '.join(said)}, in the last hour{last}"

    def recipients(self, now: float) -> tuple[str, ...]:
        """Return whom the copies were for, in order of their names."""
        return tuple(sorted({recipient for _, recipient in self._recent(now)}))

    def _recent(self, now: float) -> Counter[tuple[Loss, str]]:
        """Return the copies lost of late, by how and for whom."""
        while self._slices and now - self._slices[0][0] >= LOSS_SECONDS:
            self._slices.popleft()
        total: Counter[tuple[Loss, str]] = Counter()
        for _, counts in self._slices:
            total.update(counts)
        return total

    def untold(self, recipient: str) -> int:
        """Return how many copies a recipient does not know to have missed."""
        return self._untold[recipient]

    def told(self, recipient: str, count: int) -> None:
        """Note that a delivered digest has said so."""
        self._untold[recipient] -= min(count, self._untold[recipient])


class Ledger:
    """Writes down how letters ended.

    Attributes
    ----------
    stats : Stats
    losses : Losses
    """

    def __init__(self, channel: str, outbox: Outbox) -> None:
        self._channel = channel
        self.stats = Stats()
        self.losses = Losses()
        self._outbox = outbox

    async def writable(self, letter: Letter, flaw: Callable[[OutboxRow], str]) -> Letter:
        """Return a digest of the copies that can be shown; the others are dead letters.

        One broken payload must not take hundreds of others along. ``flaw`` says what is wrong
        with one, or nothing.
        """
        flaws = {row.id: found for row in letter.rows if (found := flaw(row))}
        for row in letter.rows:
            if row.id in flaws:
                await wrap_future(self._outbox.dead([row], flaws[row.id], stage="render"))
                self._lose("unwritable", letter, 1, "render")
        shown = tuple(row for row in letter.rows if row.id not in flaws)
        return letter._replace(rows=shown, lost=self.losses.untold(letter.recipient))

    async def write(self, letter: Letter, settlement: Settlement) -> None:
        """Settle the copies of a letter, or put them off."""
        outcome, retry_at, reason, data = settlement
        if outcome == "delivered":
            await wrap_future(self._outbox.delivered(letter.rows, **data))
        elif outcome == "dead":
            await wrap_future(self._outbox.dead(letter.rows, reason, **data))
        else:
            await wrap_future(self._outbox.failed(letter.rows, retry_at, reason, **data))

    def expired(self, rows: Sequence[OutboxRow]) -> None:
        """Count copies that have become too old."""
        self.stats.alerts["expired"] += len(rows)
        for recipient, count in Counter(row.recipient for row in rows).items():
            self.losses.add("expired", recipient, count, time.monotonic())
        log.warning("alerts expired unsent", extra={"channel": self._channel, "alerts": len(rows)})

    def count(self, letter: Letter, result: Result, settlement: Settlement, now: float) -> None:
        """Count an attempt; ``now`` is Unix seconds."""
        self.stats.letters[result.verdict.value] += 1
        if settlement.outcome == "failed":
            log.warning("attempt failed", extra=self._describe(letter, result))
            return
        if settlement.outcome == "dead":
            loss: Loss = "unwritable" if result.stage == "render" else "dead"
            how = cause(result.stage, result.code, result.reason)
            self._lose(loss, letter, len(letter.rows), how)
            log.error("refused for good", extra=self._describe(letter, result))
            return
        self.stats.alerts["delivered"] += len(letter.rows)
        self.losses.told(letter.recipient, letter.lost)
        if letter.kind in ("alert", "correction"):
            detected = brasilia(letter.rows[0].alert()["detected_at"]).timestamp()
            self.stats.latencies.append(now - detected)

    def _lose(self, loss: Loss, letter: Letter, count: int, how: str) -> None:
        self.stats.alerts[loss] += count
        # A notice that its reader's server refuses is to be seen as well.
        self.losses.add(loss, letter.recipient, max(1, count), time.monotonic(), how)

    def _describe(self, letter: Letter, result: Result) -> dict[str, Any]:
        return {
            "channel": self._channel,
            "kind": letter.kind,
            "recipient": letter.recipient,
            "message_id": letter.message_id,
            "stage": result.stage,
            "verdict": result.verdict.value,
            "reason": result.reason,
        }
