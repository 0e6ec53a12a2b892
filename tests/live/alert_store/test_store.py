"""The durable store: numbering, idempotence, group commit, outbox, resume window, lock."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from alertlib.errors import StorageError
from runners.live.alert_store.records import Batch, Event, Message, Numbered, Stored
from runners.live.alert_store.store import Store
from runners.live.database.mark import read_mark
from tests.support.store_data import RECIPIENTS, alert_id, batch, cursor, mailed, payload

NOON = 1_785_240_000.0
ROOT = Path(__file__).parents[3]


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "live" / "alerts.db")


@pytest.fixture
def store(path: str) -> Iterator[Store]:
    with Store.open(path) as opened:
        yield opened


def audit_rows(path: str, kind: str) -> list[dict[str, object]]:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        rows = connection.execute("SELECT data FROM audit WHERE kind = ? ORDER BY seq", (kind,))
        return [json.loads(row[0]) for row in rows]


@contextlib.contextmanager
def locked_by_another_program(path: str) -> Iterator[None]:
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("ROLLBACK")


# ---- numbering


def test_everything_in_a_batch_is_there_after_a_restart(path: str) -> None:
    with Store.open(path) as store:
        epoch = store.epoch
        done = store.commit(
            Batch(
                cursors=(cursor(7),),
                messages=(Message(payload(1), mail=mailed(1)), Message(payload(2))),
                events=(Event("suppressed", "policy", {"reason": "rate_limit"}),),
                state={"report": b"2026-07-28"},
            )
        )
        assert done.result() == (Numbered(1, new=True), Numbered(2, new=True))
    with Store.open(path) as store:
        assert store.epoch == epoch
        assert store.head == 2
        assert store.cursors() == {("WIN$N", "M5"): cursor(7)}
        assert store.state("report") == b"2026-07-28"
        assert store.state("nothing") is None
        assert [row.recipient for row in store.outbox.due(0.0, 10)] == list(RECIPIENTS)
        assert [message.seq for message in store.read(0)] == [1, 2]
        assert json.loads(store.read(0)[0].payload) == payload(1)
    assert audit_rows(path, "suppressed") == [{"reason": "rate_limit"}]
    assert audit_rows(path, "alert") == [{**payload(1), "seq": 1}, {**payload(2), "seq": 2}]


def test_numbers_go_on_without_gap_over_restarts(path: str) -> None:
    for start in (1, 4, 7):
        with Store.open(path) as store:
            numbers = [store.commit(batch(start + i)).result()[0].seq for i in range(3)]
            assert numbers == [start, start + 1, start + 2]


def test_an_id_is_never_given_a_second_number(path: str) -> None:
    with Store.open(path) as store:
        store.commit(batch(1, 2, mail=True)).result()
    with Store.open(path) as store:
        again = store.commit(batch(2, 3, 3, 1, mail=True)).result()
        assert [tuple(row) for row in again] == [(2, False), (3, True), (3, False), (1, False)]
        assert store.outbox.pending() == 3 * len(RECIPIENTS)
    assert [row["seq"] for row in audit_rows(path, "alert")] == [1, 2, 3]


def test_an_id_committed_twice_within_one_group_is_numbered_once(path: str, store: Store) -> None:
    with locked_by_another_program(path):
        store.append("config", "test", {})  # occupies the writer; the rest queues behind it
        both = [store.commit(batch(1)), store.commit(batch(1))]
    assert [done.result()[0] for done in both] == [Numbered(1, True), Numbered(1, False)]


def test_a_correction_takes_a_number_and_has_a_key_of_its_own(path: str, store: Store) -> None:
    store.commit(batch(1)).result()
    correction = Message({"id": alert_id(1), "price": 1.0}, type="correction", key="1/revision 1")
    assert store.commit(Batch(messages=(correction,))).result() == (Numbered(2, True),)
    assert store.commit(Batch(messages=(correction,))).result() == (Numbered(2, False),)
    assert [(message.seq, message.type) for message in store.read(0)] == [
        (1, "alert"),
        (2, "correction"),
    ]
    assert audit_rows(path, "bar_revised") == [{"id": alert_id(1), "price": 1.0, "seq": 2}]
    assert store.find(alert_id(1)) == store.read(0)[0]
    assert store.find("unheard of") is None


@pytest.mark.parametrize(
    ("message", "complaint"),
    [
        (Message({"price": 1.0}), "needs an `id`"),
        (Message({"id": ""}), "needs an `id`"),
        (Message({"id": "x"}, type="correction"), "a correction a `key`"),
        (Message(payload(1, seq=3)), "must not have `seq`"),
        (Message(payload(1, price=float("nan"))), "not JSON compliant"),
        (Message(payload(1, extra={1: 2})), "key 1 is not a string"),
        (Message(payload(1, extra=object())), "not JSON"),
        (Message(payload(1, dry_run=True), mail=mailed(1)), "a dry run is never mailed"),
        (Message(payload(1), mail=mailed(1, due=float("nan"))), "`due` of a mail must be finite"),
    ],
)
def test_a_message_that_cannot_be_kept_fails_its_caller_alone(
    store: Store, message: Message, complaint: str
) -> None:
    with pytest.raises(ValueError, match=complaint):
        store.commit(Batch(messages=(message,)))
    assert store.commit(batch(1)).result() == (Numbered(1, True),)


@pytest.mark.parametrize("kind", ["alert", "prune", "sneeze"])
def test_a_kind_that_is_not_for_appending_is_refused(store: Store, kind: str) -> None:
    with pytest.raises(ValueError, match=f"kind '{kind}'"):
        store.append(kind, "test", {})


def test_a_dry_run_alert_is_numbered_and_never_mailed(store: Store) -> None:
    store.commit(Batch(messages=(Message(payload(1, dry_run=True)),))).result()
    assert store.head == 1
    assert store.outbox.pending() == 0


def test_text_without_a_utf8_form_is_kept_with_question_marks(path: str, store: Store) -> None:
    store.action("ana\ud800", alert_id(1), "executed", "note \ud800 ok").result()
    assert audit_rows(path, "operator_action")[0]["note"] == "note ? ok"


# ---- commit, then tell


def test_nobody_is_told_before_the_commit(path: str, store: Store) -> None:
    with locked_by_another_program(path):
        done = store.commit(batch(1))
        time.sleep(0.1)
        assert not done.done()
        assert store.head == 0
        assert store.read(0) == []
        assert store.trouble(patience=0.0) is not None
    assert done.result() == (Numbered(1, True),)
    assert store.trouble() is None


def test_what_queues_during_a_commit_shares_the_next(path: str, store: Store) -> None:
    before = store.stats.commits
    with locked_by_another_program(path):
        waiting = [store.commit(batch(number)) for number in range(1, 301)]
        time.sleep(0.05)
    assert [done.result()[0].seq for done in waiting] == list(range(1, 301))
    assert store.stats.commits - before <= 2
    assert store.queued == 0


def test_listeners_see_every_message_once_in_order_and_before_the_futures(store: Store) -> None:
    seen: list[Stored] = []
    unsubscribe = store.on_committed(seen.extend)

    def commit(start: int) -> None:
        for number in range(start, 400, 4):
            (numbered,) = store.commit(batch(number)).result()
            assert any(message.seq == numbered.seq for message in seen)

    threads = [threading.Thread(target=commit, args=(start,)) for start in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    unsubscribe()
    store.commit(batch(1_000)).result()
    assert [message.seq for message in seen] == list(range(1, 401))
    assert seen == store.read(0, limit=400)


def test_a_cancelled_caller_does_not_undo_its_commit(store: Store) -> None:
    async def give_up() -> None:
        task = asyncio.ensure_future(asyncio.wrap_future(store.commit(batch(1))))
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    asyncio.run(give_up())
    assert store.commit(batch(2)).result() == (Numbered(2, True),)


def test_a_failing_listener_fails_the_store_and_nobody_waits_for_ever(path: str) -> None:
    def fail(_: list[Stored]) -> None:
        raise RuntimeError("loop is closed")

    store = Store.open(path)
    store.on_committed(fail)
    assert store.commit(batch(1)).result(timeout=5) == (Numbered(1, True),)
    with pytest.raises(StorageError, match="loop is closed"):
        store.close()
    assert "loop is closed" in str(store.trouble())


# ---- acknowledgements and the end


def test_acknowledgements_are_gathered_and_stop_is_the_last_event(path: str) -> None:
    with Store.open(path) as store:
        for seq in range(1, 51):
            store.ack("ana", seq, [(seq, seq)])
            store.ack("rui", seq)
        store.close(stop={"reason": "SIGTERM"})
    acked = audit_rows(path, "client_ack")
    assert 2 <= len(acked) <= 4
    assert acked[-1] == {"seq": 50}
    assert audit_rows(path, "delivered")[-1]["last"] == 50
    with contextlib.closing(sqlite3.connect(path)) as connection:
        last = connection.execute("SELECT kind FROM audit ORDER BY seq DESC LIMIT 1").fetchone()
    assert last == ("stop",)


def test_acknowledgements_are_written_without_a_close(path: str, store: Store) -> None:
    store.ack("ana", 3)
    deadline = time.monotonic() + 5.0
    while not audit_rows(path, "client_ack") and time.monotonic() < deadline:
        time.sleep(0.01)
    assert audit_rows(path, "client_ack") == [{"seq": 3}]


def test_a_closed_store_says_so(store: Store) -> None:
    store.close()
    store.close()
    with pytest.raises(StorageError, match="the store is closed"):
        store.commit(batch(1))
    with pytest.raises(StorageError, match="reading"):
        store.read(0)


def test_a_clean_end_leaves_the_database_and_its_mark(path: str) -> None:
    with Store.open(path) as store:
        store.commit(batch(1)).result()
        head = store.audit_head
    assert sorted(os.listdir(os.path.dirname(path))) == ["alerts.db", "alerts.db-head"]
    mark = read_mark(path)
    assert mark is not None
    assert (mark.seq, mark.hash) == head


# ---- outbox


def test_a_mail_goes_through_its_states(path: str, store: Store) -> None:
    store.commit(batch(1, 2, mail=True)).result()
    first, second, third, fourth = store.outbox.due(1.0, 10)
    assert json.loads(first.message.payload) == payload(1)
    assert [row.id for row in store.outbox.due(1.0, 2, exclude={first.id})] == [second.id, third.id]
    store.outbox.attempted([first, second]).result()
    store.outbox.delivered([first], code=250).result()
    store.outbox.failed([second], 60.0, "451 busy").result()
    store.outbox.dead([third], "expired").result()
    assert [(row.id, row.attempts) for row in store.outbox.due(100.0, 10)] == [
        (fourth.id, 0),
        (second.id, 1),
    ]
    assert store.outbox.due(59.0, 10) == [fourth]
    assert store.outbox.next_due() == 0.0
    assert store.outbox.pending() == 2
    (delivered,) = audit_rows(path, "delivered")
    assert delivered == {
        "attempt": 1,
        "channel": "email",
        "code": 250,
        "id": alert_id(1),
        "message_id": first.message_id,
        "pattern": "volatilidade_extrema",
        "recipient": RECIPIENTS[0],
        "seq": 1,
    }
    assert audit_rows(path, "delivery_failed")[0]["reason"] == "451 busy"
    assert audit_rows(path, "dead_letter")[0]["reason"] == "expired"
    with pytest.raises(ValueError, match="`retry_at` must be finite"):
        store.outbox.failed([second], float("inf"), "never")


def test_an_empty_outbox_is_due_never(store: Store) -> None:
    assert store.outbox.next_due() is None
    assert store.outbox.due(1e12, 10) == []


def test_a_digest_keeps_its_message_id_over_a_restart(path: str) -> None:
    with Store.open(path) as store:
        store.commit(batch(1, 2, mail=True)).result()
        rows = [row for row in store.outbox.due(1.0, 10) if row.recipient == RECIPIENTS[0]]
        store.outbox.put_into_digest(rows, "<digest@alertas.example>").result()
    with Store.open(path) as store:
        members = store.outbox.members("<digest@alertas.example>")
        assert [row.id for row in members] == [row.id for row in rows]
        assert {row.digest for row in members} == {"<digest@alertas.example>"}
        store.outbox.delivered(members).result()
    assert {row["message_id"] for row in audit_rows(path, "delivered")} == {
        "<digest@alertas.example>"
    }


# ---- resume window


def test_the_window_ends_after_so_many_alerts(path: str) -> None:
    with Store.open(path, retain_alerts=10) as store:
        assert store.oldest == 1
        store.commit(batch(*range(1, 26))).result()
        assert store.oldest == 16
        assert [message.seq for message in store.read(15, limit=3)] == [16, 17, 18]


def test_a_clock_that_jumps_ahead_and_back_leaves_the_window_open(path: str) -> None:
    now = [NOON]
    with Store.open(path, clock=lambda: now[0]) as store:
        store.commit(batch(1)).result()
        now[0] += 365 * 86_400.0
        assert store.oldest == 2
        now[0] = NOON + 61.0
        assert store.oldest == 1


def test_the_window_ends_after_so_many_days(path: str) -> None:
    day = 86_400.0
    now = [NOON]
    with Store.open(path, retain_days=30, clock=lambda: now[0]) as store:
        for number in range(40):
            now[0] = NOON + number * day
            store.commit(batch(number)).result()
        assert store.oldest == 10
        now[0] += 100 * day
        assert store.oldest == store.head + 1
        store.commit(batch(99)).result()
        now[0] += 61.0
        assert store.oldest == store.head
