"""What was done about alerts reaches whoever is sent them, from a daemon that was started again."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from pathlib import Path
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

from runners.live.alert_store.store import Store
from tests.support.running import SAMPLE, TOKEN, Running, events
from tests.support.store_data import alert_id, batch

STANDING = ("--feed", "replay", "--bars", str(SAMPLE), "--speed", "0.001")
ALERTS = 300


def fill(database: Path) -> str:
    """Write alerts with two actions on each as it comes, one without, and one on the fifth."""
    database.parent.mkdir()
    with Store.open(str(database)) as store:
        for number in range(1, ALERTS + 1):
            store.commit(batch(number)).result()
            store.action("ana", alert_id(number), "executed")
            store.action("rui", alert_id(number), "rejected")
        store.commit(batch(ALERTS + 1))
        store.action("ana", alert_id(5), "ignored").result()
        return store.epoch


async def received(client: ClientConnection, note: str) -> list[dict[str, Any]]:
    """Return all that comes before the answer to an action of one's own."""
    mine = {"type": "action", "id": alert_id(ALERTS + 1), "action": "ignored", "note": note}
    await client.send(json.dumps(mine))
    messages: list[dict[str, Any]] = []
    while not messages or messages[-1].get("actor") != "mesa":
        messages.append(json.loads(await asyncio.wait_for(client.recv(), 20)))
    return messages[:-1]


def test_a_client_is_told_what_stands_about_every_alert_it_is_sent(tmp_path: Path) -> None:
    """It was told of the newest 200, if they were among the newest 50,000 events."""
    epoch = fill(tmp_path / "live" / "alerts.db")

    async def visit(daemon: Running, since: int) -> tuple[list[int], list[tuple[str, str]]]:
        url = f"{daemon.url}?epoch={epoch}&since={since}"
        async with connect(
            url, additional_headers={"Authorization": f"Bearer {TOKEN}"}, proxy=None
        ) as client:
            messages = await received(client, str(since))
        alerts = [one["seq"] for one in messages if one["type"] == "alert"]
        return alerts, [(one["id"], one["action"]) for one in messages if one["type"] == "action"]

    with Running(tmp_path, *STANDING) as daemon:
        stands = {alert_id(number): "rejected" for number in range(1, ALERTS + 1)}
        stands[alert_id(5)] = "ignored"
        alerts, told = asyncio.run(visit(daemon, 0))
        assert alerts == list(range(1, ALERTS + 2))
        assert Counter(told) == Counter(stands.items())  # each once, and no other

        stands[alert_id(ALERTS + 1)] = "ignored"
        alerts, told = asyncio.run(visit(daemon, 250))
        assert alerts == list(range(251, ALERTS + 2))
        owed = {alert_id(number) for number in (5, *range(251, ALERTS + 1))}
        assert owed <= {identifier for identifier, _ in told}
        assert len(told) == len(dict(told)) < 100  # and not all of it again
        assert dict(told).items() <= stands.items()
        daemon.signal("SIGTERM")
    assert len(events(daemon.database, "operator_action")) == 2 * ALERTS + 3
