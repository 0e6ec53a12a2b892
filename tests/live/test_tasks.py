"""Work that is kept going: its failures are seen, and it begins anew."""

from __future__ import annotations

import asyncio
import logging

import pytest

from runners.live.tasks import LOOP, keep_running, watch_loop


def test_a_failure_is_seen_logged_and_not_the_end(caplog: pytest.LogCaptureFixture) -> None:
    """The mail task died at the start; nobody knew, and nothing was mailed."""
    errors: dict[str, str] = {}
    begun: list[dict[str, str]] = []

    async def work() -> None:
        begun.append(dict(errors))
        if len(begun) < 3:
            raise ValueError("no such file")
        await asyncio.sleep(3600)

    async def scenario() -> None:
        task = asyncio.create_task(keep_running("mail", work, errors, again_seconds=0.02))
        async with asyncio.timeout(5):
            while len(begun) < 3 or errors:
                await asyncio.sleep(0.005)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    with caplog.at_level(logging.ERROR):
        asyncio.run(scenario())
    assert begun == [{}, {"mail": "ValueError: no such file"}, {"mail": "ValueError: no such file"}]
    assert [record.message for record in caplog.records] == ["a task has failed"] * 2


def test_work_that_cancels_itself_has_failed() -> None:
    """A library's cancellation got out; the task was taken for one that had been stopped."""
    errors: dict[str, str] = {}
    begun: list[None] = []

    async def work() -> None:
        begun.append(None)
        if len(begun) == 1:
            raise asyncio.CancelledError
        assert errors == {"heartbeat": "CancelledError: by itself"}

    async def scenario() -> None:
        async with asyncio.timeout(5):
            await keep_running("heartbeat", work, errors, again_seconds=0.01)

    asyncio.run(scenario())
    assert len(begun) == 2


def test_what_nobody_awaits_is_seen_for_a_while(caplog: pytest.LogCaptureFixture) -> None:
    """An error while alerts went out to clients was a log line, and /health was well."""
    errors: dict[str, str] = {}

    def publish() -> None:
        raise ValueError("no such peer")

    async def replay() -> None:
        raise KeyError("row")

    async def scenario() -> None:
        async with asyncio.timeout(5):
            loop = asyncio.get_running_loop()
            watch_loop(errors, seconds=0.05)
            loop.call_soon(publish)
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            assert errors == {LOOP: "ValueError: no such peer"}
            task = asyncio.create_task(replay())
            await asyncio.wait([task])
            del task
            assert errors == {LOOP: "KeyError: 'row'"}
            while errors:
                await asyncio.sleep(0.005)
            reset = {"message": "lost", "exception": ConnectionResetError()}
            loop.call_exception_handler(reset)
            assert errors == {}

    asyncio.run(scenario())
    assert len(caplog.records) == 3


def test_it_ends_with_its_work_and_cancels_it() -> None:
    async def nothing() -> None:
        return

    cancelled = []

    async def waits() -> None:
        try:
            await asyncio.sleep(3600)
        finally:
            cancelled.append(True)

    async def scenario() -> None:
        async with asyncio.timeout(5):
            await keep_running("short", nothing, {})
            task = asyncio.create_task(keep_running("long", waits, {}))
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    asyncio.run(scenario())
    assert cancelled == [True]
