"""Work beside the bars that has to go on: watched, so that nothing fails unseen."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

AGAIN_SECONDS = 15.0
LOOP = "event loop"

_log = logging.getLogger("alertas.live")


async def keep_running(
    name: str,
    work: Callable[[], Coroutine[Any, Any, None]],
    errors: dict[str, str],
    *,
    again_seconds: float = AGAIN_SECONDS,
) -> None:
    """Run ``work`` until it ends of itself; if it fails, or cancels itself, begin it anew.

    Parameters
    ----------
    errors : dict
        Where a failure stands under ``name``, until the work has run on for ``again_seconds``.
    """
    while True:
        task = asyncio.create_task(work())
        try:
            while not (await asyncio.wait([task], timeout=again_seconds))[0]:
                errors.pop(name, None)
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        error = asyncio.CancelledError("by itself") if task.cancelled() else task.exception()
        if error is None:
            return
        errors[name] = _told(error)
        _log.error("a task has failed", exc_info=error, extra={"task": name})
        await asyncio.sleep(again_seconds)


def watch_loop(errors: dict[str, str], *, seconds: float = AGAIN_SECONDS) -> None:
    """Have errors of callbacks, and of tasks that nobody awaits, stand in ``errors`` for a while.

    asyncio logs them and goes on. What a connection breaks with (an ``OSError``) is its own
    affair and is logged only.
    """
    loop = asyncio.get_running_loop()

    def handle(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        loop.default_exception_handler(context)
        error = context.get("exception")
        if not isinstance(error, Exception) or isinstance(error, OSError):
            return
        told = errors[LOOP] = _told(error)
        loop.call_later(seconds, lambda: errors.get(LOOP) == told and errors.pop(LOOP))

    loop.set_exception_handler(handle)


def _told(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"
