"""The traders' page on a real daemon that is killed and started again."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from websockets.asyncio.client import connect

from tests.support.browser import chromium, find_chromium, open_tab
from tests.support.desk import IDS, LIVE, sign_in
from tests.support.running import SAMPLE, TOKEN, Running, events

STATE = "document.querySelector('#state').dataset.state"
TOLD = "document.querySelector('.told').textContent"


async def act_again(daemon: Running, identifier: str) -> dict[str, Any]:
    """Send what was recorded before the restart; returns the server's answer to that."""
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with connect(daemon.url, additional_headers=headers, proxy=None) as client:
        await client.send(json.dumps({"type": "action", "id": identifier, "action": "executed"}))
        told = []
        while len(told) < 2:  # one at connect, one for the repeat
            frame = json.loads(await asyncio.wait_for(client.recv(), 10))
            told += [frame] if frame["type"] == "action" else []
    assert told[0] == told[1]
    return dict(told[1])


def test_a_restart_and_a_reload_lose_no_alert_and_no_action(tmp_path: Path) -> None:
    path = find_chromium()
    if path is None:
        pytest.skip("no chromium on this machine")

    bars = tmp_path / "days.parquet"
    pl.read_parquet(SAMPLE).head(1_200).write_parquet(bars)
    replay = ("--feed", "replay", "--bars", str(bars), "--speed", "0")

    async def scenario(devtools: str) -> None:
        with Running(tmp_path, *replay) as first:
            port = first.ready["port"]
            async with open_tab(devtools, f"http://127.0.0.1:{port}/") as tab:
                await tab.click("#remember")
                await tab.run("document.querySelector('#token').focus()")
                await sign_in(tab, TOKEN)
                await tab.until("market.followed[0]?.state === 'ended'", 60.0)
                await tab.until(f"{LIVE} && link.seq > 5 && ({IDS}).length === link.seq")
                shown, seq = await tab.run(IDS), await tab.run("link.seq")
                await tab.run("document.querySelector('.executed').click()")
                await tab.until(f"{TOLD}.startsWith('Executada por mesa às ')")
                minute = (await tab.run(TOLD))[: -len(":00")]
                done = "document.querySelector('.done').textContent"
                await tab.until(f"{done}.includes('registrada')")
                first.process.kill()
                await asyncio.to_thread(first.wait)
                await tab.until(f"{STATE} === 'waiting'")
                with Running(tmp_path, *replay, "--port", str(port)) as again:
                    assert again.ready["epoch"] == first.ready["epoch"]
                    await tab.until(LIVE, 40.0)
                    assert await tab.run(IDS) == shown
                    assert await tab.run("link.seq") == again.ready["seq"] == seq
                    assert (await tab.run(TOLD)).startswith(minute)
                    assert (await act_again(again, shown[0]))["actor"] == "mesa"
                    await tab.load()  # the session was to be remembered
                    await tab.until(f"{LIVE} && document.querySelectorAll('.alert').length")
                    await tab.until(f"({IDS}).length === {len(shown)}")
                    assert await tab.run(IDS) == shown
                    await tab.until(f"{TOLD}.startsWith({minute!r})")
                    again.signal("SIGTERM")

    with chromium(path, tmp_path / "chromium") as devtools:
        asyncio.run(asyncio.wait_for(scenario(devtools), 180))
    actions = events(tmp_path / "live" / "alerts.db", "operator_action")
    assert [(one["actor"], one["data"]["action"]) for one in actions] == [("mesa", "executed")]
