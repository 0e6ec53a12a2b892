"""The traders' page on a real server, in a real browser that has signed in."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from runners.live.websocket.listening import PAGE
from runners.live.websocket.protocol import Row
from tests.support.browser import Tab, open_tab
from tests.support.websocket_server import TOKEN, Harness, MemoryHistory, serving

BRASILIA = timezone(timedelta(hours=-3))
FIRST = datetime(2024, 3, 1, 9, 0, tzinfo=BRASILIA)
LIVE = "document.querySelector('#state').dataset.state === 'live'"
IDS = "[...document.querySelectorAll('.alert')].map(e => e.dataset.id)"
FOLLOWED = {"symbol": "WIN$N", "timeframe": "M5", "last_bar": None, "market_open": None}
FOLLOWED |= {"state": "running", "reason": None}
EVIL = '<img src=x onerror="window.hacked=1"><script>window.hacked=1</script>'


def make_rows(count: int = 120) -> list[Row]:
    """Bars that rise and fall by turns of eight."""
    rows: list[Row] = []
    price = 126_500.0
    for number in range(count):
        step = 25.0 if number // 8 % 2 == 0 else -25.0
        time = (FIRST + timedelta(minutes=5 * number)).isoformat()
        low, high = min(price, price + step) - 15.0, max(price, price + step) + 15.0
        rows.append((time, price, high, low, price + step))
        price += step
    return rows


ROWS = make_rows()


def make_alert(number: int, **changes: Any) -> dict[str, Any]:
    """An alert on the bar of that number."""
    time, price = ROWS[number % len(ROWS)][0], 126_505.0
    seen = datetime.fromisoformat(time) + timedelta(minutes=5, seconds=1)
    return {
        "id": f"{number:032x}", "symbol": "WIN$N", "timeframe": "M5",
        "pattern": "engulfing_bullish", "direction": 1, "severity": "ALTO", "confidence": 0.72,
        "price": price, "entry_min": price - 15, "entry_max": price + 15, "stop": price - 250,
        "target": price + 500, "risk_reward": 2.0, "bar_time": time,
        "detected_at": f"{seen.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}Z",
        "text": f"alerta {number}",
    } | changes  # fmt: skip


def commit(history: MemoryHistory, *alerts: dict[str, Any], kind: str = "alert") -> None:
    for alert in alerts:
        payload = json.dumps(alert, ensure_ascii=False).encode()
        history.entries.append((history.head + 1, kind, payload))


def publish(house: Harness, *alerts: dict[str, Any], kind: str = "alert") -> None:
    before = len(house.history.entries)
    commit(house.history, *alerts, kind=kind)
    house.server.publish(house.history.entries[before:])


def recent(symbol: str, timeframe: str) -> list[Row]:
    return ROWS if (symbol, timeframe) == ("WIN$N", "M5") else []


@asynccontextmanager
async def desk(
    devtools: str, *alerts: dict[str, Any], token: str | None = TOKEN
) -> AsyncIterator[tuple[Harness, Tab]]:
    """A server with the page, and a browser on it that has signed in."""
    history = MemoryHistory()
    commit(history, *alerts)
    async with serving(page=PAGE, history=history) as house:
        house.server.recent_bars = recent
        async with open_tab(devtools, f"http://127.0.0.1:{house.server.port}/") as tab:
            if token is not None:
                await sign_in(tab, token)
                await tab.until(LIVE)
            yield house, tab


async def sign_in(tab: Tab, token: str) -> None:
    await tab.until("document.activeElement.id === 'token'")
    await tab.type(token)
    await tab.press("Enter")


async def cards(tab: Tab, count: int) -> list[str]:
    """Wait for so many cards; returns their texts, the newest first."""
    await tab.until(f"document.querySelectorAll('.alert').length === {count}")
    return await tab.texts(".alert")
