"""No interleaving of commits, actions, resumes, cuts and slow reading makes a gap or repetition."""

from __future__ import annotations

import asyncio
import json
from typing import Any, cast

from hypothesis import given, settings
from hypothesis import strategies as st

from runners.live.telemetry.metrics import Metrics
from runners.live.websocket.auth import Identity
from runners.live.websocket.broadcast import Broadcaster
from runners.live.websocket.connection import MAX_UNSENT_BYTES, WRITE_LIMIT, Peer
from runners.live.websocket.protocol import ACTIONS, Action, Resume
from runners.live.websocket.session import Phase, Session
from tests.support.websocket_server import EPOCH, MemoryHistory


class Pipe:
    """A peer whose reader takes bytes only when told to."""

    is_open = True

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.unsent = 0
        self.most_unsent = 0
        self.data = b""
        self._drained = asyncio.Event()
        self._drained.set()

    def put(self, frames: bytes) -> None:
        self.data += frames
        self.unsent += len(frames)
        self.most_unsent = max(self.most_unsent, self.unsent)
        if self.unsent > WRITE_LIMIT:
            self._drained.clear()

    def offer(self, frames: bytes) -> bool:
        if self.unsent + len(frames) > MAX_UNSENT_BYTES:
            return False
        self.put(frames)
        return True

    def read(self, size: int) -> None:
        self.unsent = max(self.unsent - size, 0)
        if self.unsent < WRITE_LIMIT // 4:
            self._drained.set()

    async def drain(self) -> None:
        await self._drained.wait()

    def messages(self) -> list[dict[str, Any]]:
        """Decode all frames written, whose lengths are below 64 KiB."""
        found, data = [], memoryview(self.data)
        while data:
            length, start = data[1], 2
            if length == 126:
                length, start = int.from_bytes(data[2:4]), 4
            found.append(json.loads(bytes(data[start : start + length])))
            data = data[start + length :]
        return found


steps = st.lists(
    st.one_of(
        st.tuples(st.just("publish"), st.integers(1, 60)),
        st.tuples(st.just("commit"), st.integers(1, 60)),
        st.tuples(st.just("resume"), st.integers(-5, 150)),
        st.tuples(st.just("read"), st.integers(1, 60_000)),
        st.tuples(st.just("wait"), st.integers(1, 3)),
    ),
    max_size=40,
)


@settings(deadline=None, max_examples=300)
@given(steps, st.integers(0, 80), st.sampled_from([0, 1_500]))
def test_after_every_welcome_the_stream_is_whole(
    script: list[tuple[str, int]], before: int, size: int
) -> None:
    """Numbers run without gap or repetition from what each welcome promised up to the head."""

    async def scenario() -> None:
        history = MemoryHistory()
        history.commit(before, size=size)
        dropped: list[Any] = []
        hub = Broadcaster(history, Metrics(), lambda peer, close: dropped.append(close))
        pipe = Pipe()
        peer, session = cast(Peer, pipe), Session(Identity("ana"), None, 10, 0.0)
        begins = [hub.begin(peer, session, None).after]
        for step, amount in script:
            if step == "publish":
                hub.publish(history.commit(amount, size=size))
            elif step == "commit":
                history.commit(amount, size=size)
            elif step == "resume":
                begins.append(hub.begin(peer, session, Resume(EPOCH, amount)).after)
            elif step == "read":
                pipe.read(amount)
            else:
                for _ in range(amount):
                    await asyncio.sleep(0)
        hub.catch_up()
        async with asyncio.timeout(10):
            while session.phase is not Phase.LIVE:
                pipe.read(10_000)
                await asyncio.sleep(0)

        assert not dropped
        welcomes = 200 * len(begins)  # these are written whatever is waiting
        assert pipe.most_unsent <= MAX_UNSENT_BYTES + welcomes
        expected, messages = 0, pipe.messages()
        for message in messages:
            if message["type"] == "welcome":
                expected = begins.pop(0) + 1
            else:
                assert message["seq"] == expected
                expected += 1
        assert not begins
        assert expected == history.head + 1

    asyncio.run(scenario())


class Desk:
    """A client that keeps its place, and what was done about the alerts it has."""

    def __init__(self) -> None:
        self.place: int | None = None
        self.alerts: set[str] = set()
        self.told: dict[str, str] = {}

    def take(self, message: dict[str, Any]) -> None:
        match message["type"]:
            case "welcome":
                self.place = message["seq"] if self.place is None else self.place
            case "alert":
                self.place = message["seq"]
                self.alerts.add(message["alert"]["id"])
            case "action":
                self.told[message["id"]] = message["action"]


doings = st.lists(
    st.one_of(
        st.tuples(st.just("publish"), st.integers(1, 60)),
        st.tuples(st.just("act"), st.integers(0, 80)),
        st.tuples(st.just("tell"), st.just(0)),
        st.tuples(st.just("read"), st.integers(1, 60_000)),
        st.tuples(st.just("wait"), st.integers(1, 3)),
    ),
    max_size=40,
)


@settings(deadline=None, max_examples=300)
@given(
    st.lists(st.tuples(doings, st.integers(0, 200)), min_size=1, max_size=3),
    st.integers(1, 80),
    st.sampled_from([0, 1_500]),
)
def test_whoever_has_an_alert_is_told_what_stands_about_it_however_often_cut_off(
    visits: list[tuple[list[tuple[str, int]], int]], before: int, size: int
) -> None:
    """Of each connection but the last, as much arrives as its cut says; ids are numbers in hex."""

    async def scenario() -> None:
        history, desk, done = MemoryHistory(), Desk(), 0
        history.commit(before, size=size)
        hub = Broadcaster(history, Metrics(), lambda peer, close: None)
        for number, (script, cut) in enumerate(visits):
            pipe = Pipe()
            peer, session = cast(Peer, pipe), Session(Identity("ana"), None, 10, 0.0)
            hub.begin(peer, session, Resume(EPOCH, desk.place or 0))
            for step, amount in script:
                if step == "publish":
                    hub.publish(history.commit(amount, size=size))
                elif step == "act":
                    on = f"{max(history.head - amount, 1):064x}"
                    history.act("rui", Action(on, ACTIONS[done % 3], ""))
                    done += 1
                elif step == "tell":
                    hub.publish_actions()
                elif step == "read":
                    pipe.read(amount)
                else:
                    for _ in range(amount):
                        await asyncio.sleep(0)
            is_last = number == len(visits) - 1
            async with asyncio.timeout(10):
                while is_last and session.phase is not Phase.LIVE:
                    pipe.read(10_000)
                    await asyncio.sleep(0)
            hub.publish_actions()
            hub.forget(peer)
            assert pipe.most_unsent <= MAX_UNSENT_BYTES + 200
            for message in pipe.messages()[: None if is_last else cut]:
                desk.take(message)

        rows = {one: history.action_on(one) for one in desk.alerts}
        stands = {one: row[4] for one, row in rows.items() if row is not None}
        assert {one: desk.told.get(one) for one in stands} == stands

    asyncio.run(scenario())
