"""Progress on stderr, for work of more than a second, on a terminal only."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Any


class Progress:
    """A bar per stage; silent where stderr is not a terminal.

    Use as a context manager and pass it on: it is called with a stage's name, the steps done and
    the steps ahead.
    """

    def __init__(self, delay: float = 1.0) -> None:
        self._shown: Any = None
        self._tasks: dict[str, Any] = {}
        self._start = time.monotonic() + delay
        self._active = sys.stderr.isatty()

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._shown is not None:
            self._shown.stop()

    def __call__(self, stage: str, done: int, ahead: int) -> None:
        """Show that ``done`` of ``ahead`` steps of ``stage`` are done."""
        if not self._active or time.monotonic() < self._start:
            return
        if self._shown is None:
            self._shown = _make_bar()
            self._shown.start()
        if stage not in self._tasks:
            self._tasks[stage] = self._shown.add_task(stage.replace("_", " "), total=ahead)
        self._shown.update(self._tasks[stage], completed=done, total=ahead)


def _make_bar() -> Any:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as RichProgress

    return RichProgress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )
