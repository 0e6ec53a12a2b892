"""A courier at work on a real store, for the tests of channels over HTTP."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alertlib.config import Config
from runners.live.alert_store.records import Batch, Message
from runners.live.alert_store.store import Store
from runners.live.audit_log.log import open_log
from runners.live.channels import open_channels, read_keys
from runners.live.delivery.courier import Courier
from runners.live.delivery.routes import routes
from tests.support.http_server import Request, Server, serving
from tests.support.store_data import must_verify, payload


async def until(condition: Callable[[], object], seconds: float = 10.0) -> None:
    """Wait for ``condition``; the time is a bound on a test that fails, not a claim."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        await asyncio.sleep(0.005)


@dataclass
class Work:
    """The only courier of a configuration, its store, and the log they leave."""

    config: Config
    store: Store
    courier: Courier[Any]

    def commit(self, *numbers: int, seen: float | None = None, **changes: Any) -> None:
        """Commit alerts as the daemon does, and tell the courier."""
        seen = time.time() if seen is None else seen
        messages = []
        for number in numbers:
            alert = payload(number, **changes)
            ways = routes(self.config.delivery)
            copies = tuple(copy for one in ways for copy in one.copies(alert["id"], alert, seen))
            messages.append(Message(alert, mail=copies))
        self.store.commit(Batch(messages=tuple(messages))).result()
        self.courier.notify()

    def events(self, kind: str) -> list[dict[str, Any]]:
        """Return what the audit log has of a kind."""
        with open_log(self.store.path) as log:
            return [json.loads(r.data) for r in log.records() if r.kind == kind]


@asynccontextmanager
async def working(config: Config, environ: dict[str, str], folder: Path) -> AsyncIterator[Work]:
    """Run the courier; stops it and checks the audit log at the end."""
    with Store.open(str(folder / "alerts.db")) as store:
        (courier,) = open_channels(config, read_keys(config, environ), store).couriers
        task = asyncio.create_task(courier.run())
        try:
            yield Work(config, store, courier)
        finally:
            courier.stop(0.0)
            await task
    must_verify(str(folder / "alerts.db"))


def try_courier(
    config: Callable[..., Config],
    environ: dict[str, str],
    folder: Path,
    reply: Callable[[Request], bytes],
    test: Callable[[Work, Server], Any],
    **changes: Any,
) -> None:
    """Run ``test`` on a courier at work and the server that answers it; ``changes`` to settings."""

    async def run() -> None:
        async with (
            asyncio.timeout(20),
            serving(reply) as server,
            working(config(server.url, **changes), environ, folder) as work,
        ):
            await test(work, server)

    asyncio.run(run())
