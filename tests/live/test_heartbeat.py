"""Beats against a real HTTP server, and against none."""

from __future__ import annotations

import asyncio
import logging

import pytest

from runners.live.delivery.channel import Verdict
from runners.live.heartbeat import Heartbeat
from tests.support.couriers import until
from tests.support.http_server import Request, answer, serving


def test_beats_are_calls_and_failures_are_said_once(caplog: pytest.LogCaptureFixture) -> None:
    answers = [200, 500, 500, 200]

    async def run() -> None:
        def reply(request: Request) -> bytes:
            return answer(answers[min(len(server.requests), len(answers)) - 1])

        async with serving(reply) as server:
            heartbeat = Heartbeat(f"{server.url}/ping/secret-uuid")
            task = asyncio.create_task(heartbeat.run())
            for count in range(1, len(answers) + 1):
                heartbeat.beat()
                await until(lambda count=count: len(server.requests) == count)  # type: ignore[misc]
                await until(lambda: not heartbeat._due.is_set())
            await until(lambda: "works again" in caplog.text)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    caplog.set_level(logging.INFO)
    asyncio.run(run())
    assert caplog.text.count("heartbeat failed") == 1
    assert "secret-uuid" not in " ".join(str(vars(record)) for record in caplog.records)


def test_calls_that_keep_failing_are_a_reason_until_one_is_accepted() -> None:
    answers = [500, 200, 404, 404, 404, 200]

    async def run() -> list[tuple[str, int, bool]]:
        async with serving(lambda _: answer(answers[len(server.requests) - 1])) as server:
            heartbeat = Heartbeat(f"{server.url}/ping/secret-uuid")
            seen = []
            for _ in answers:
                await heartbeat._call()
                seen.append((heartbeat.reason, heartbeat.failures, heartbeat.accepted_at > 0.0))
            await heartbeat.close()
        return seen

    twice, thrice = (f"HTTP 404 Said; {n} calls in a row were not accepted" for n in (2, 3))
    assert asyncio.run(run()) == [
        ("", 1, False), ("", 1, True), ("", 2, True), (twice, 3, True), (thrice, 4, True),
        ("", 4, True),
    ]  # fmt: skip


def test_nobody_there_harms_nothing() -> None:
    async def run() -> None:
        heartbeat = Heartbeat("http://127.0.0.1:9/")
        task = asyncio.create_task(heartbeat.run())
        heartbeat.beat()
        await until(lambda: heartbeat._failure)
        assert not task.done()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(run())


def test_a_name_that_no_resolver_takes_is_nobody() -> None:
    """It looked like one in the configuration; an error would have ended the check."""

    async def run() -> None:
        heartbeat = Heartbeat("https://xn--zzzz9999.example/")
        await heartbeat._call()
        assert "A-label" in heartbeat._failure
        heartbeat = Heartbeat(f"https://{'a' * 64}.example/")
        assert (await heartbeat.look()).verdict is Verdict.lost

    asyncio.run(run())
