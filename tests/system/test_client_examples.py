"""What docs/client.md tells the author of a client, against a daemon that has restarted once."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.support.browser import open_tab
from tests.support.running import (
    SAMPLE,
    TOKEN,
    Running,
    alerts_of,
    events,
    until,
    write_config,
)

DOCS = Path(__file__).parents[2] / "docs"
AT_ONCE = ("--feed", "replay", "--bars", str(SAMPLE), "--speed", "0")


def test_the_python_example_prints_every_alert_once_across_two_runs(tmp_path: Path) -> None:
    page = (DOCS / "client.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"^```python\n(.*?)^```$", page, flags=re.DOTALL | re.MULTILINE)
    with Running(tmp_path, *AT_ONCE) as daemon:
        daemon.until(lambda: daemon.health()[1]["feed"] == "ended")
        # Without a position it would begin with what is new.
        (tmp_path / "position.json").write_text(
            f'{{"epoch": "{daemon.ready["epoch"]}", "seq": 0}}', encoding="utf-8"
        )
        program = example.replace("localhost:8765", f"127.0.0.1:{daemon.ready['port']}")
        printed = [*followed(program, tmp_path, 40), *followed(program, tmp_path, 60)]
    kept = alerts_of(daemon.database)
    assert len(set(printed)) > 90
    # The one that was in hand when the first run was killed may come again.
    assert list(dict.fromkeys(printed)) == [
        f"{alert['seq']} alert {alert['text']}" for alert in kept[: len(set(printed))]
    ]
    assert {event["actor"] for event in events(daemon.database, "client_connected")} == {"mesa"}


def followed(program: str, folder: Path, count: int) -> list[str]:
    """Run the example until it has printed ``count`` lines, and kill it."""
    with subprocess.Popen(
        [sys.executable, "-uc", program],
        cwd=folder,
        env={
            **os.environ,
            # As while a token is being rotated.
            "WEBSOCKET_TOKEN": f"mesa:{TOKEN},mesa:{'o' * 43}",
            "PYTHONPATH": str(DOCS.parent),
            "PYTHONIOENCODING": "utf-8",
        },
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    ) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(count)]
        process.kill()
        lines += process.stdout.readlines()
    return [line[:-1] for line in lines if line.endswith("\n")]


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def site() -> Iterator[str]:
    """Serve the documentation's folder; yields its origin."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(DOCS)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_the_browser_example_shows_every_alert_once_across_a_restart(
    tmp_path: Path, devtools: str
) -> None:
    with site() as origin:
        config = write_config(tmp_path, f'delivery: {{websocket: {{origins: ["{origin}"]}}}}\n')
        asyncio.run(_two_starts(tmp_path, config, devtools, origin))


async def _two_starts(folder: Path, config: str, devtools: str, origin: str) -> None:
    options = (*AT_ONCE, "--config", config)
    count = "document.querySelectorAll('#alerts li').length"
    with Running(folder, *options) as daemon:
        port = daemon.ready["port"]
        page = f"{origin}/follow.html#ws://127.0.0.1:{port}/alertas#{TOKEN}"
        await asyncio.to_thread(daemon.until, lambda: daemon.health()[1]["feed"] == "ended")
        kept = [alert["text"] for alert in alerts_of(daemon.database)]
        async with open_tab(devtools, page) as tab:
            await tab.until(f"{count} === {len(kept)}")
            shown = await tab.texts("#alerts li")
            assert all(line.startswith("replay · synthetic · ") for line in shown)
            assert [line.split(" · ", 2)[2] for line in reversed(shown)] == kept

            def acknowledged() -> bool:
                acks = events(daemon.database, "client_ack")
                return bool(acks) and acks[-1]["data"]["seq"] == len(kept)

            await asyncio.to_thread(until, acknowledged)
            assert await asyncio.to_thread(daemon.signal, "SIGTERM") == 0
            await tab.until("document.getElementById('state').textContent.includes('1001')")
            with Running(folder, *options, "--port", str(port)):
                await tab.until("document.getElementById('state').textContent === 'conectado'")
                assert await tab.run(count) == len(kept), "nothing is shown twice"
            complaints = [line for line in tab.console if "ERR_CONNECTION_REFUSED" not in line]
            assert complaints == []
