"""A worker process: calls come in on its standard input, answers go out on its standard output.

Each is a pickle after its length. ``python -c`` starts it rather than :mod:`multiprocessing`, which
runs the caller's program again in every worker, and whose pool waits for ever when a worker is
killed within an answer.
"""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import traceback
import warnings
from queue import SimpleQueue
from struct import Struct
from threading import Thread
from typing import Any, BinaryIO

from alertlib.errors import AlertlibWarning

_LENGTH = Struct("<Q")


class Worker:
    """A worker, as the program that started it sees it.

    It ends when the program does, whatever that ends by.
    """

    def __init__(self) -> None:
        code = f"import sys; sys.path[:] = {sys.path!r}; from {__name__} import serve; serve()"
        self._process = subprocess.Popen(
            [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )

    @property
    def pid(self) -> int:
        """Number of the process."""
        return self._process.pid

    def ask(self, call: bytes) -> Any:
        """Return what a call came to, or raise what it raised.

        Parameters
        ----------
        call : bytes
            Pickle of a function and its arguments.

        Raises
        ------
        EOFError, OSError
            If the worker dies.
        """
        sink, source = self._process.stdin, self._process.stdout
        assert sink is not None
        assert source is not None
        _write(sink, call)  # type: ignore[arg-type]  # typed as IO[bytes]
        succeeded, value = pickle.loads(_read(source))  # type: ignore[arg-type]
        if not succeeded:
            raise value
        return value

    def kill(self) -> None:
        """End the process now; who waits for an answer gets an ``EOFError``."""
        self._process.kill()
        self._process.wait()

    def close(self) -> None:
        """Forget a process that has ended."""
        self.kill()
        for stream in (self._process.stdin, self._process.stdout):
            assert stream is not None
            try:
                stream.close()
            except OSError:  # what was not written reaches nobody
                continue


def serve() -> None:
    """Answer calls until the program that started this process is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # The program says it itself.
    warnings.simplefilter("ignore", AlertlibWarning)
    sink = os.fdopen(os.dup(1), "wb")
    # What a user's detector prints must not be taken for an answer.
    os.dup2(2, 1)
    calls: SimpleQueue[bytes] = SimpleQueue()
    Thread(target=_listen, args=(sys.stdin.buffer, calls), daemon=True).start()
    while True:
        answer = _answer(calls.get())
        try:
            _write(sink, answer)
        except OSError:
            os._exit(1)


def _listen(source: BinaryIO, calls: SimpleQueue[bytes]) -> None:
    try:
        while True:
            calls.put(_read(source))
    except EOFError:
        # In the midst of a block as well: nobody waits for it.
        os._exit(0)


def _answer(call: bytes) -> bytes:
    try:
        function, arguments = pickle.loads(call)
        return pickle.dumps((True, function(*arguments)))
    except BaseException as error:  # a user's code raises anything
        return _sendable(error, f"In a worker:\n{traceback.format_exc()}")


def _sendable(error: BaseException, note: str) -> bytes:
    """Return an answer that raises an error, or its text where it cannot be sent."""
    plain = RuntimeError(f"{type(error).__name__}: {error}")
    # What ends a program ends a worker's call.
    sent = error if isinstance(error, Exception) else plain
    for each in (sent, plain):
        each.add_note(note)
        try:
            answer = pickle.dumps((False, each))
            pickle.loads(answer)
        except Exception:
            continue
        return answer
    raise AssertionError from error


def _write(sink: BinaryIO, content: bytes) -> None:
    sink.write(_LENGTH.pack(len(content)))
    sink.write(content)
    sink.flush()


def _read(source: BinaryIO) -> bytes:
    (length,) = _LENGTH.unpack(_read_bytes(source, _LENGTH.size))
    return _read_bytes(source, length)


def _read_bytes(source: BinaryIO, length: int) -> bytes:
    content = source.read(length)
    if len(content) < length:
        raise EOFError
    return content
