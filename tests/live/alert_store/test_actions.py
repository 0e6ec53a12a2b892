"""What operators did about alerts is found by its place and by its alert, however much there is."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from runners.live.alert_store import reader
from runners.live.alert_store.store import Store
from tests.support.audit_data import disarm, sql
from tests.support.store_data import alert_id, batch

END = 2**63 - 1


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(str(tmp_path / "alerts.db")) as opened:
        yield opened


def test_of_the_actions_on_an_alert_the_newest_stands(store: Store) -> None:
    assert (store.last_action, store.actions(0, END, 9), store.action_on(alert_id(1))) == (
        0, [], None,
    )  # fmt: skip
    store.commit(batch(1, 2)).result()
    store.action("ana", alert_id(1), "executed", "2 contratos").result()
    store.action("rui", alert_id(2), "ignored").result()
    store.commit(batch(3)).result()
    store.action("rui", alert_id(1), "rejected").result()
    rows = store.actions(0, END, 9)
    assert [(place, actor, *rest) for place, actor, _, *rest in rows] == [
        (3, "ana", alert_id(1), "executed", "2 contratos", False),
        (4, "rui", alert_id(2), "ignored", "", True),
        (6, "rui", alert_id(1), "rejected", "", True),
    ]
    assert store.action_on(alert_id(1)) == rows[2]
    assert store.last_action == 6
    # Between the messages.
    assert [store.place(seq) for seq in (0, 1, 2, 3, 99)] == [0, 1, 2, 5, 5]
    assert store.actions(store.place(2), store.place(3), 9) == rows[:2]
    assert store.actions(3, END, 1) == rows[1:2]


@pytest.mark.parametrize(
    ("query", "values", "indexes"),
    [
        (reader._ACTIONS_BETWEEN, (1, 2, 3), ["actions (kind=? AND rowid>? AND rowid<?)",
                                              "actions_by_alert (<expr>=? AND rowid>?)"]),
        (reader._ACTION_ON, ("a",), ["actions_by_alert (<expr>=?)",
                                     "actions_by_alert (<expr>=? AND rowid>?)"]),
        (reader._LAST_ACTION, (), ["actions (kind=?)"]),
    ],
)  # fmt: skip
def test_no_look_up_reads_the_log_through(
    store: Store, query: str, values: tuple[object, ...], indexes: list[str]
) -> None:
    with closing(sqlite3.connect(store.path)) as connection:
        plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {query}", values)]
    searched = [line.partition("INDEX ")[2] for line in plan if "SUBQUERY" not in line]
    assert searched == indexes
    assert not any("TEMP B-TREE" in line for line in plan)


def test_an_action_that_somebody_damaged_hides_no_other(tmp_path: Path) -> None:
    path = str(tmp_path / "alerts.db")
    with Store.open(path) as store:
        for number in (1, 2, 3):
            store.action("ana", alert_id(number), "executed").result()
        store.append("config", "live", {}).result()
    with sql(path) as connection:
        disarm(connection)
        connection.execute("UPDATE audit SET data = substr(data, 2) WHERE seq = 2")
        connection.execute("UPDATE audit SET data = '[]' WHERE seq = 3")
    with closing(sqlite3.connect(path, check_same_thread=False)) as connection:
        found = reader.Reader(connection, path)
        assert [row[0] for row in found.actions(0, END, 9)] == [1, 3]
        assert found.action_on(alert_id(1)) is not None
        assert found.action_on(alert_id(2)) is None
