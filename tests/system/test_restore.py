"""A client that was away while an older copy was put back and overtaken."""

from __future__ import annotations

import json
from itertools import islice
from pathlib import Path

from websockets.sync.client import connect

from runners.live.alert_store.store import Store
from tests.support.audit_data import ask
from tests.support.running import SAMPLE, TOKEN, Running
from tests.support.store_data import alert_id, batch


def test_a_client_that_was_away_during_a_restore_is_sent_everything_retained(
    tmp_path: Path,
) -> None:
    path = str(tmp_path / "live" / "alerts.db")
    with Store.open(path) as store:
        store.commit(batch(*range(1, 21))).result()
    assert ask("backup", str(tmp_path / "copy.db"), "--db", path).status == 0
    with Store.open(path) as store:
        store.commit(batch(*range(21, 31))).result()
        epoch, seen = store.epoch, store.head
    assert ask("restore", str(tmp_path / "copy.db"), "--db", path).status == 0
    with Store.open(path) as store:
        store.commit(batch(*range(101, 141))).result()
    with Running(tmp_path, "--feed", "replay", "--bars", str(SAMPLE), "--speed", "0.001") as daemon:
        url = f"{daemon.url}?epoch={epoch}&since={seen}"
        headers = {"Authorization": f"Bearer {TOKEN}"}
        with connect(url, additional_headers=headers) as client:
            welcome = json.loads(client.recv(timeout=10))
            assert welcome["recovered"] is False
            assert welcome["epoch"] != epoch
            frames = (json.loads(client.recv(timeout=10)) for _ in iter(int, 1))
            got = list(islice((frame for frame in frames if frame["type"] == "alert"), 60))
    numbers = [*range(1, 21), *range(101, 141)]
    assert [message["alert"]["id"] for message in got] == [alert_id(n) for n in numbers]
    assert [message["seq"] for message in got] == list(range(1, 61))
