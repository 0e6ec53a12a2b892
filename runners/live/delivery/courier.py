"""A channel at work: takes due copies from the outbox to a server, and says how it went.

The decisions are in :mod:`~runners.live.delivery.policy` and
:mod:`~runners.live.delivery.channel`; here is only the waiting. Delivery is at least once: a reply
that gets lost on its way back leads to a second copy with the same identifier.
"""

from __future__ import annotations

import asyncio
import random
import time
from asyncio import wrap_future
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from math import inf
from typing import Any, Generic

from alertlib.errors import AlertlibError
from runners.live.alert_store.records import OutboxRow
from runners.live.delivery.channel import Result, Verdict, allowance
from runners.live.delivery.keeper import LOOK_SECONDS, Keeper
from runners.live.delivery.ledger import Ledger
from runners.live.delivery.notices import NoticeBox
from runners.live.delivery.outbox import Outbox
from runners.live.delivery.policy import (
    RETRY_CAP,
    Gathering,
    Letter,
    Settlement,
    digest_letter,
    plan,
    settle,
)
from runners.live.delivery.transport import Content, Manner, Renderer, Transport
from runners.live.delivery.trouble import OutboxTrouble
from runners.live.delivery.under_way import UnderWay

PAGE = 1_000
REPLAN_SECONDS = 0.25
BLOCKED_SECONDS = OUTBOX_RETRY_SECONDS = 1.0
SHORTEST_PAUSE = 0.01


class Courier(Generic[Content]):
    """Sends what the outbox holds until told to stop.

    Parameters
    ----------
    manner : Manner
    transport : Transport
    outbox : Outbox
        Of this channel's copies only.
    renderer : Renderer
    clock : callable
        Unix seconds, the clock that ``due`` and ``expires`` were written with.
    chance : callable
        Uniform on ``[0, 1)``.

    Attributes
    ----------
    kind, name, title : str
        As of its manner.
    stats : Stats
    """

    def __init__(
        self,
        manner: Manner,
        transport: Transport[Content],
        outbox: Outbox,
        renderer: Renderer[Content],
        *,
        clock: Callable[[], float] = time.time,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.kind, self.name, self.title = manner.kind, manner.name, manner.title
        self._manner = manner
        self._outbox = outbox
        self._renderer = renderer
        self._clock = clock
        self._chance = chance
        self._transport = transport
        self._keeper = Keeper(manner.name, transport)
        self._trouble = OutboxTrouble(manner.name)
        self._wake = asyncio.Event()
        self._stop_at = inf
        self._tasks: set[asyncio.Task[None]] = set()
        self._under_way = UnderWay()
        self._replan_at = 0.0
        self._queue: list[Letter] = []
        self._notices = NoticeBox()
        self._ledger = Ledger(manner.name, outbox)
        self.stats = self._ledger.stats
        self._gathering: dict[str, Gathering] = {}

    @property
    def reason(self) -> str:
        """Why nothing is going out, one line for ``/health``; empty while all is well."""
        trouble = self._trouble.text
        return trouble or self._keeper.reason(is_trying=self._under_way.sending > 0)

    @property
    def own_name(self) -> str:
        """What it is called among those of its kind; empty where there is but one."""
        return self.name.partition(":")[2]

    @property
    def losses(self) -> str:
        """Copies of late that reached nobody, one line for ``/health``; empty without any."""
        return self._ledger.losses.reason(time.monotonic())

    @property
    def unreached(self) -> tuple[str, ...]:
        """Whom these were for, which is not for ``/health``."""
        return self._ledger.losses.recipients(time.monotonic())

    def pending(self) -> int:
        """Return how many copies are not settled yet."""
        return self._outbox.pending()

    def notify(self) -> None:
        """Say that alerts were committed. From another thread: ``loop.call_soon_threadsafe``."""
        self._wake.set()

    def put(self, letters: Sequence[Letter]) -> None:
        """Send the letters of one notice, in place of old news; alerts go first."""
        self._notices.put(letters)
        self._replan_at = 0.0
        self._wake.set()

    def stop(self, seconds: float) -> None:
        """Have :meth:`run` end once what is due has been tried, after ``seconds`` at the latest."""
        self._stop_at = time.monotonic() + seconds
        self._wake.set()

    async def run(self) -> None:
        """Deliver until :meth:`stop` or cancelled; what is left stays in the outbox."""
        try:
            while (pause := await self._step()) > 0.0:
                with suppress(TimeoutError):
                    async with asyncio.timeout(pause):
                        await self._wake.wait()
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            await self._transport.close()

    async def _step(self) -> float:
        """Start whatever can start; return the seconds until there is more, 0 to end."""
        self._wake.clear()
        if self._keeper.begin_look():
            self._start(self._keeper.look())
        mono = time.monotonic()
        until_due = self._trouble.rest_until - mono
        if until_due <= 0.0:
            try:
                if mono >= self._replan_at or not self._queue:
                    self._replan_at = mono + REPLAN_SECONDS
                    await self._replan(self._clock())
                self._start_queued()
                until_due = self._until_due()
                self._trouble.is_readable()
            except Exception as error:
                self._trouble.rest(error, OUTBOX_RETRY_SECONDS)
                until_due = OUTBOX_RETRY_SECONDS
        remaining = self._stop_at - time.monotonic()
        if remaining <= 0.0 or (self._stop_at < inf and self._is_done(until_due, remaining)):
            return 0.0
        until_look = self._keeper.seconds_to_look()
        return max(SHORTEST_PAUSE, min(until_due, until_look, remaining))

    def _is_done(self, until_due: float, remaining: float) -> bool:
        if self._under_way:
            return False
        waiting = self._queue or self._notices or until_due < remaining
        return self._keeper.channel.is_open or not waiting

    def _until_due(self) -> float:
        """Return the seconds until a copy is due that is not due yet."""
        earliest = self._outbox.next_due()
        if earliest is None:
            return LOOK_SECONDS
        wait = earliest - self._clock()
        # One that is due already is under way, or the channel holds it back.
        return min(wait, LOOK_SECONDS) if wait > 0.0 else BLOCKED_SECONDS

    async def _replan(self, now: float) -> None:
        made = plan(
            self._due_rows(now),
            self._keeper.channel,
            self._manner.digest_above,
            now,
            sender=self._manner.sender,
            gathering=self._gathering,
        )
        if made.expired:
            if self._manner.digest_above is None:
                await wrap_future(self._outbox.dead(made.expired, "expired"))
            else:
                await wrap_future(self._outbox.failed(made.expired, now, "expired"))
            self._ledger.expired(made.expired)
        for name, members in made.joins.items():
            await wrap_future(self._outbox.put_into_digest(members, name))
        self._gathering = made.gathering
        self._queue = made.letters + self._notices.due(now, self._under_way.letters)

    def _due_rows(self, now: float) -> list[OutboxRow]:
        held = self._under_way.rows()
        rows = self._outbox.due(now, PAGE, held)
        earliest = self._outbox.next_due()
        if not rows and earliest is not None and earliest > now + RETRY_CAP:
            # Nothing is ever put off that long: the clock has been set back.
            rows = self._outbox.due(earliest, PAGE, held)
        return [row for row in rows if row.digest not in self._under_way.letters]

    def _start_queued(self) -> None:
        waiting = []
        for letter in self._queue:
            free = allowance(self._keeper.channel, self._manner.max_concurrent)
            if free > self._under_way.sending and self._under_way.may_begin(letter):
                self._hold(letter)
                self._start(self._attempt(letter), letter)
            else:
                waiting.append(letter)
        self._queue = waiting

    def _hold(self, letter: Letter) -> None:
        self._under_way.begin(letter)
        gathering = self._gathering.get(letter.recipient)
        if gathering is not None and gathering.message_id == letter.message_id:
            # From now on nobody can join this digest.
            del self._gathering[letter.recipient]

    def _start(self, work: Coroutine[Any, Any, None], letter: Letter | None = None) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)

        def ended(task: asyncio.Task[None]) -> None:
            self._tasks.discard(task)
            if letter is not None:
                self._under_way.end(letter)
            if not task.cancelled() and (error := task.exception()) is not None:
                self._trouble.rest(error, OUTBOX_RETRY_SECONDS)
            self._wake.set()

        task.add_done_callback(ended)

    async def _attempt(self, letter: Letter) -> None:
        """Send one letter and write down how it went."""
        try:
            if letter.kind == "digest":
                members = self._outbox.members(letter.message_id)
                letter = await self._ledger.writable(digest_letter(members), self._renderer.flaw)
                if not letter.rows:
                    return
            if letter.rows:
                await wrap_future(self._outbox.attempted(letter.rows))
            result = await self._send(letter)
            if result.stage != "render":
                self._keeper.judge(result)
        finally:
            self._under_way.answered()
            self._wake.set()
        settlement = settle(letter, result, self._keeper.channel, self._clock(), self._chance())
        if settlement.outcome == "failed":
            delay = max(0.0, settlement.retry_at - self._clock())
            asyncio.get_running_loop().call_later(delay, self._wake.set)
        self._ledger.count(letter, result, settlement, self._clock())
        if not letter.rows:
            self._notices.settle(letter, settlement)
            return
        # Should the store fail now, the letter must not be sent again for want of a record.
        while not await self._write(letter, settlement):
            await asyncio.sleep(OUTBOX_RETRY_SECONDS)

    async def _send(self, letter: Letter) -> Result:
        try:
            message = self._renderer.message(letter, self._clock())
        except Exception as error:
            # A payload no template can show would fail for ever: better one dead letter.
            return Result(Verdict.refused, "render", f"{type(error).__name__}: {error}"[:200])
        return await self._transport.send(message, letter.recipient)

    async def _write(self, letter: Letter, settlement: Settlement) -> bool:
        try:
            await self._ledger.write(letter, settlement)
        except AlertlibError as error:
            self._trouble.unwritten(letter.message_id, error)
            return False
        self._trouble.written(letter.message_id)
        return True
