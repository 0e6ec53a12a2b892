"""The process that owns the terminal: ``python -m runners.mt5.worker``, started by the client.

The API blocks its whole process, the interpreter's lock held, so it has one of its own: bare
Python, and numpy because the API returns its arrays. Requests come on stdin and answers leave on
stdout, as ``wire`` describes; the first frame says what to connect to.
"""

from __future__ import annotations

import faulthandler
import os
import signal
import sys
import threading
import time
from queue import SimpleQueue
from typing import Any, BinaryIO

from alertlib.errors import AlertlibError
from runners.mt5.adapter import Terminal
from runners.mt5.api import Credentials, load_api
from runners.mt5.rates import Page
from runners.mt5.wire import read_frame, write_frame

QUESTIONS = frozenset({"identity", "info", "clock", "history", "rates", "closed_bars"})

# `initialize` waits for a terminal to start, 60 s if not told otherwise.
_START_SECONDS = 90.0
_LAST_WORDS_SECONDS = 1.0


class Watched:
    """The API, each call of it under a deadline that ends the process.

    Not even a signal handler runs while a call holds the interpreter's lock, but faulthandler's
    watchdog is a thread without it.
    """

    def __init__(self, api: Any, seconds: float) -> None:
        self._api = api
        self._seconds = seconds
        self._nowhere = os.open(os.devnull, os.O_WRONLY)

    def __getattr__(self, name: str) -> Any:
        function = getattr(self._api, name)
        seconds = max(self._seconds, _START_SECONDS) if name == "initialize" else self._seconds

        def call(*args: Any, **options: Any) -> Any:
            faulthandler.dump_traceback_later(seconds, exit=True, file=self._nowhere)
            try:
                return function(*args, **options)
            finally:
                faulthandler.cancel_dump_traceback_later()

        return call


def main() -> None:
    """Answer requests until stdin ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    requests, answers = _take_pipes()
    with answers:
        if (first := read_frame(requests)) is not None:
            _serve(first[0], requests, answers)


def _serve(setup: dict[str, Any], requests: BinaryIO, answers: BinaryIO) -> None:
    terminal = _make_terminal(setup, answers)
    waiting: SimpleQueue[dict[str, Any] | None] = SimpleQueue()
    threading.Thread(target=_receive, args=(requests, waiting), daemon=True).start()
    while (request := waiting.get()) is not None:
        message, bars = _answer(terminal, request)
        write_frame(answers, message, bars)
    if isinstance(terminal, Terminal):
        terminal.close()


def _take_pipes() -> tuple[BinaryIO, BinaryIO]:
    """Keep stdin and stdout for frames; whatever a package prints goes to stderr."""
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    return requests, answers


def _make_terminal(setup: dict[str, Any], answers: BinaryIO) -> Terminal | AlertlibError:
    def notice(text: str, wait: float) -> None:
        write_frame(answers, {"notice": text, "wait": wait})

    try:
        api = load_api(setup["module"])
    except AlertlibError as error:
        return error
    watched = Watched(api, setup["call_seconds"])
    credentials = Credentials(**setup["credentials"])
    # The clock is looked up here, after the module has been loaded: a stand-in brings its own.
    return Terminal(
        watched, credentials, retries=setup["retries"], notice=notice,
        is_patient=setup["is_patient"], clock=time.time,
    )  # fmt: skip


def _receive(requests: BinaryIO, waiting: SimpleQueue[dict[str, Any] | None]) -> None:
    while (frame := read_frame(requests)) is not None:
        waiting.put(frame[0])
    # The parent is gone or wants an end: finish what is being asked, but not for long.
    waiting.put(None)
    threading.Event().wait(_LAST_WORDS_SECONDS)
    os._exit(0)


def _answer(
    terminal: Terminal | AlertlibError, request: dict[str, Any]
) -> tuple[dict[str, Any], bytes]:
    name, args = request["ask"], request["args"]
    try:
        if isinstance(terminal, AlertlibError):
            raise terminal
        if name not in QUESTIONS:
            raise ValueError(f"no question {name!r}")
        answer = getattr(terminal, name)(*args)
    except Exception as error:
        return {"error": type(error).__name__, "message": str(error)}, b""
    if isinstance(answer, Page):
        return {"newest": answer.newest, "through": answer.through}, answer.bars.tobytes()
    return {"answer": answer}, b""


if __name__ == "__main__":
    main()
    sys.stdout.flush()
