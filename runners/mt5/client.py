"""The other end of the worker's pipe: asks, notices when the worker dies or hangs, replaces it.

Blocking; an event loop calls it from a thread of its own, where it only waits. No numpy here.
"""

from __future__ import annotations

import contextlib
import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Any, BinaryIO, NamedTuple

from alertlib import errors
from alertlib.config.secrets import find_secret
from alertlib.errors import ConfigError, DataError
from runners.mt5.api import VARIABLE, Credentials
from runners.mt5.rules import retry_waits
from runners.mt5.wire import Rate, read_frame, unpack_rates, write_frame

# The worker ends itself when a call of the API takes longer than it may; this is for a worker
# that cannot: stopped, or out of memory.
_SILENCE_SECONDS = 120.0
_END_SECONDS = 5.0

# On Windows a wait cannot be interrupted by Ctrl-C before it is over.
_GLANCE_SECONDS = 0.25

Frame = tuple[dict[str, Any], bytes]


class Rates(NamedTuple):
    """Bars in order of time.

    Attributes
    ----------
    content : bytes
        As on the wire; :meth:`rows` has them one by one.
    newest : int or None
        Open of the newest bar the terminal has; None if it has none.
    through : int
        Nothing is missing up to here; the next page begins after it.
    """

    content: bytes
    newest: int | None
    through: int

    def rows(self) -> list[Rate]:
        """Return the bars one by one."""
        return unpack_rates(self.content)


class Clock(NamedTuple):
    """This machine's UTC clock and the time of the last tick on the server's, in seconds.

    ``connected`` says whether the terminal is to its broker.
    """

    utc: float
    tick: int | None
    connected: bool = True


def read_credentials(environ: Mapping[str, str]) -> Credentials:
    """Return what ``MT5_LOGIN``, ``MT5_PASSWORD``, ``MT5_SERVER`` and ``MT5_PATH`` say.

    What is not set is not pinned: the terminal's own account, or the only terminal, is taken.
    """
    login = environ.get("MT5_LOGIN") or None
    if login is not None and not (login.isascii() and login.isdigit()):
        raise ConfigError("$MT5_LOGIN: got something else, expected the account's number")
    return Credentials(
        None if login is None else int(login),
        find_secret("MT5_PASSWORD", environ=environ),
        environ.get("MT5_SERVER") or None,
        environ.get("MT5_PATH") or None,
    )


class TerminalClient:
    """Questions to a MetaTrader 5 terminal, answered by a worker process of its own.

    Parameters
    ----------
    environ : mapping
        Where module and credentials come from; the worker's environment.
    retries : int or None
        Connections, and workers, to try in a row before giving up; None for no end.
    call_seconds : float
        How long one call of the API may take before the worker is replaced.
    notice : callable
        Told in one line whenever something is waited for.
    is_patient : bool
        Whether a symbol without bars is waited for while others' questions wait.
    sleep : callable, optional
        Waits before another worker is started; by default until :meth:`close` at the latest.
    silence_seconds : float
        How long the worker may say nothing before it is replaced.

    Raises
    ------
    ConfigError
        From any question: account refused or another one, unknown symbol.
    DataError
        From any question: no terminal, or one that does not give what it should.
    """

    def __init__(
        self,
        environ: Mapping[str, str],
        *,
        retries: int | None = 4,
        call_seconds: float = 30.0,
        notice: Callable[[str], None] = lambda text: None,
        is_patient: bool = True,
        sleep: Callable[[float], object] | None = None,
        silence_seconds: float = _SILENCE_SECONDS,
    ) -> None:
        self._environ = dict(environ)
        self._setup = {
            "module": environ.get(VARIABLE) or None,
            "credentials": read_credentials(environ)._asdict(),
            "retries": retries,
            "call_seconds": call_seconds,
            "is_patient": is_patient,
        }
        self._retries = retries
        self._notice = notice
        self._closed = threading.Event()
        self._sleep = sleep or self._closed.wait
        self._silence_seconds = silence_seconds
        self._worker: _Worker | None = None
        self._making = threading.Lock()
        self._unmade: str | None = None

    def __enter__(self) -> TerminalClient:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def pid(self) -> int | None:
        """Process number of the worker; None while there is none."""
        return None if self._worker is None else self._worker.pid

    def identity(self) -> dict[str, Any]:
        """Connect, and return what is at the other end: account, terminal and its limits."""
        return dict(self._ask("identity")[0]["answer"])

    def info(self, symbol: str) -> dict[str, Any]:
        """Return the terminal's specification of a symbol: tick size, tick value and so on."""
        return dict(self._ask("info", symbol)[0]["answer"])

    def clock(self, symbol: str) -> Clock:
        """Return this machine's clock and the time of the symbol's last tick."""
        return Clock(**self._ask("clock", symbol)[0]["answer"])

    def history(
        self,
        symbol: str,
        minutes: int,
        end: int | None,
        count: int,
        offset: int | None,
        grace: float,
    ) -> Rates:
        """Return the closed ones of the ``count`` bars up to ``end`` (None: the newest).

        Fewer than ``count``, the forming one included, only if the history begins there.
        """
        return _rates(self._ask("history", symbol, minutes, end, count, offset, grace))

    def rates(self, symbol: str, minutes: int, since: int) -> Rates:
        """Return a page of the bars from ``since`` on; the newest one may be forming."""
        return _rates(self._ask("rates", symbol, minutes, since))

    def closed_bars(
        self, symbol: str, minutes: int, since: int, offset: int | None, grace: float
    ) -> Rates:
        """Return a page of the closed bars from ``since`` on.

        Parameters
        ----------
        symbol : str
        minutes : int
            Length of a bar.
        since : int
            Open time of the last known bar: it comes again, so that a revision shows.
        offset : int or None
            The server's clock less UTC in seconds; None if unknown.
        grace : float
            Seconds after its end before a bar that no newer one follows counts as closed.
        """
        return _rates(self._ask("closed_bars", symbol, minutes, since, offset, grace))

    def close(self) -> None:
        """End the worker; a question that waits in another thread ends too, with a DataError."""
        self._closed.set()
        # A worker that is being made is waited for: it would be left alive.
        with self._making:
            worker, self._worker = self._worker, None
        if worker is not None:
            worker.end()

    def _ask(self, name: str, *args: Any) -> Frame:
        waits = retry_waits(self._retries)
        while True:
            answer = self._ask_once(name, args)
            if answer is not None:
                return answer
            if self._closed.is_set():
                raise DataError(f"the terminal was left while it was asked for {name}")
            wait = next(waits, None)
            if wait is None:
                raise DataError(self._no_worker(name))
            wait *= 1.0 + 0.1 * random.random()
            ended = self._unmade or "ended"
            self._notice(f"the terminal's worker process {ended}; another in {wait:.0f} s")
            self._sleep(wait)

    def _no_worker(self, asked: str) -> str:
        if self._unmade is not None:
            return (
                f"the terminal's worker process {self._unmade}; expected room for one more "
                "process; end others, then run again"
            )
        return (
            f"the MetaTrader 5 terminal hangs or kills its worker process (asked for {asked}); "
            f"expected answers within {self._setup['call_seconds']:g} s; restart the terminal, "
            "then run again"
        )

    def _ask_once(self, name: str, args: tuple[Any, ...]) -> Frame | None:
        """Return the worker's answer; None if it died or had to be ended."""
        worker, patience = self._ready_worker(), self._silence_seconds
        if worker is None:
            return None
        sent = worker.send({"ask": name, "args": args})
        while sent:
            frame = worker.receive(patience)
            if frame is None:
                break
            message = frame[0]
            if "notice" not in message:
                return _checked(frame)
            self._notice(message["notice"])
            patience = self._silence_seconds + message["wait"]
        worker.kill()
        self._worker = None
        return None

    def _ready_worker(self) -> _Worker | None:
        """Return the worker, a new one if need be; None if there can be none now."""
        with self._making:
            if self._closed.is_set():
                return None
            self._unmade = None
            if self._worker is None:
                try:
                    self._worker = _Worker(self._environ, self._setup)
                except (OSError, RuntimeError) as error:  # no room for a process, or a thread
                    self._unmade = f"cannot be started ({error})"
            return self._worker


class _Worker:
    """One worker process and the thread that listens to it."""

    def __init__(self, environ: Mapping[str, str], setup: dict[str, Any]) -> None:
        # As multiprocessing's spawn does: what this process can import, the worker can too.
        path = os.pathsep.join(entry or os.getcwd() for entry in sys.path)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "runners.mt5.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            # A service on Windows has no console, and no window may pop up for the worker's.
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            env={**environ, "PYTHONPATH": path},
        )
        self._frames: SimpleQueue[Frame | None] = SimpleQueue()
        try:
            threading.Thread(target=self._listen, daemon=True).start()
        except RuntimeError:
            self.kill()
            raise
        self.send(setup)

    @property
    def pid(self) -> int:
        return self._process.pid

    def send(self, message: dict[str, Any]) -> bool:
        """Send one frame; False if nobody is there to read it."""
        try:
            write_frame(_stream(self._process.stdin), message)
        except OSError:
            return False
        return True

    def receive(self, seconds: float) -> Frame | None:
        """Return the next frame; None if the process has ended or says nothing for so long."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            with contextlib.suppress(Empty):
                return self._frames.get(timeout=min(left, _GLANCE_SECONDS))
        return None

    def end(self) -> None:
        """Let the process leave the terminal properly, then make sure it is gone."""
        with contextlib.suppress(OSError, subprocess.TimeoutExpired):
            _stream(self._process.stdin).close()
            self._process.wait(_END_SECONDS)
        self.kill()

    def kill(self) -> None:
        """Make sure the process is gone."""
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(OSError):
                _stream(stream).close()

    def _listen(self) -> None:
        stream = _stream(self._process.stdout)
        try:
            while (frame := read_frame(stream)) is not None:
                self._frames.put(frame)
        except (OSError, ValueError):  # closed under the thread by `kill`
            pass
        self._frames.put(None)


def _stream(stream: Any) -> BinaryIO:
    """Return one of a process's pipes, which are always there."""
    opened: BinaryIO = stream
    return opened


def _checked(frame: Frame) -> Frame:
    """Return a frame, or raise the error it tells of."""
    name = frame[0].get("error")
    if name is None:
        return frame
    kind = getattr(errors, name, None)
    if kind is None:
        raise RuntimeError(f"worker: {name}: {frame[0]['message']}")
    raise kind(frame[0]["message"])


def _rates(frame: Frame) -> Rates:
    message, content = frame
    return Rates(content, message["newest"], message["through"])
