"""Work beside the bars that has to go on: watched, so that none ends unseen."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

AGAIN_SECONDS = 15.0

_log = logging.getLogger("alertas.live")


async def keep_running(
    name: str,
    work: Callable[[], Coroutine[Any, Any, None]],
    errors: dict[str, str],
    *,
    again_seconds: float = AGAIN_SECONDS,
) -> None:
    """Run ``work`` until it ends of itself or is cancelled; if it fails, begin it anew.

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
        if task.cancelled() or (error := task.exception()) is None:
            return
        errors[name] = f"{type(error).__name__}: {error}"
        _log.error("a task has failed", exc_info=error, extra={"task": name})
        await asyncio.sleep(again_seconds)
