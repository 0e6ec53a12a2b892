"""What the log says clients were sent, and under which names they go."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runners.live import client_audit
from runners.live.alert_store.store import Store
from runners.live.client_audit import StoreAudit
from runners.live.database.chain import OWN_ACTORS
from runners.live.websocket.protocol import Action
from tests.support.audit_data import ask

RUN = st.tuples(st.integers(1, 40), st.integers(0, 9)).map(lambda run: (run[0], sum(run)))


class _Told:
    """A store that notes what it is told was delivered."""

    def __init__(self) -> None:
        self.runs: list[tuple[int, int]] = []

    def ack(self, client: str, seq: int, delivered: list[tuple[int, int]]) -> None:
        self.runs += delivered


@given(st.lists(st.lists(RUN, max_size=4), max_size=8))
def test_each_message_is_delivered_to_a_client_once(acks: list[list[tuple[int, int]]]) -> None:
    store = _Told()
    audit = StoreAudit(store)  # type: ignore[arg-type]  # of a store it needs no more
    for runs in acks:
        audit.ack("mesa", 50, runs)
    told = [seq for first, last in store.runs for seq in range(first, last + 1)]
    assert len(told) == len(set(told))
    assert set(told) == {
        seq for runs in acks for first, last in runs for seq in range(first, last + 1)
    }


def test_what_is_remembered_of_clients_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_audit, "_CLIENTS", 3)
    audit = StoreAudit(_Told())  # type: ignore[arg-type]  # of a store it needs no more
    for number in range(50):
        audit.ack(f"subject {number}", 2 * number + 1, [(1, 2 * number + 1)])
        for run in range(200):
            audit.ack("mesa", 10_000, [(3 * run + 1, 3 * run + 1)])
    assert len(audit._told) == 3
    assert max(map(len, audit._told.values())) <= client_audit._RUNS


EXECUTED = Action("ab", "executed", "")


def test_no_client_passes_for_a_part_of_the_daemon(tmp_path: Path) -> None:
    path = str(tmp_path / "alerts.db")

    async def scenario() -> None:
        with Store.open(path) as store:
            audit = StoreAudit(store)
            audit.record("client_rejected", "websocket", {"reason": "wrong token"})
            for name in (*sorted(OWN_ACTORS), "mesa"):
                audit.record("client_connected", name, {"after": 0})
                audit.ack(name, 1, [(1, 1)])
                audit.action(name, EXECUTED, lambda is_written: None)

    asyncio.run(scenario())
    events = ask("export", "--db", path).events
    assert {event["actor"] for event in events} == {
        "websocket", "mesa", *(f"client:{name}" for name in OWN_ACTORS),
    }  # fmt: skip
    assert [e["kind"] for e in events if e["actor"] == "websocket"] == ["client_rejected"]


def test_an_action_is_settled_by_its_fsync_or_by_the_store_s_failure(tmp_path: Path) -> None:
    async def scenario() -> None:
        store = Store.open(str(tmp_path / "alerts.db"))
        audit = StoreAudit(store)
        settled: list[bool] = []
        heard = asyncio.Event()

        def settle(is_written: bool) -> None:
            on_disk = store.actions(0, 9, 9)
            assert len(on_disk) == 1
            settled.append(is_written)
            heard.set()

        audit.action("mesa", EXECUTED, settle)
        await asyncio.wait_for(heard.wait(), 10)
        assert settled == [True]
        store.close()
        audit.action("mesa", EXECUTED, settled.append)
        assert settled == [True, False]

    asyncio.run(scenario())
