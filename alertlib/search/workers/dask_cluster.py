"""A dask cluster that somebody else runs, as an executor."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from typing import Any, NamedTuple

from alertlib.errors import ConfigError, DataError

SCHEME = "dask://"
CONNECT_S = 5
# logging.CRITICAL and more: what dask says of a connection that fails, an error of ours says.
_SILENT = 60


class Cluster(NamedTuple):
    """A cluster one is connected to.

    Attributes
    ----------
    executor : Executor
    client : distributed.Client
    """

    executor: Executor
    client: Any

    def threads(self) -> int:
        """Return how many blocks its workers can count at a time."""
        return sum(self.client.nthreads().values())


def check_address(executor: str) -> str:
    """Return ``HOST:PORT`` of ``dask://HOST:PORT``.

    Raises
    ------
    ConfigError
        If it is not of that form, or dask is not installed.
    """
    address = executor.removeprefix(SCHEME)
    host, _, port = address.rpartition(":")
    named = bool(host) and "/" not in address and port.isascii() and port.isdigit()
    if not named or not 0 < int(port) < 65_536:
        raise ConfigError(
            f"executor: got {executor!r}, expected {SCHEME}HOST:PORT, the address of a scheduler"
        )
    _dask()
    return address


@contextmanager
def open_cluster(executor: str) -> Iterator[Cluster]:
    """Connect to a cluster; it runs on when the connection is closed.

    Raises
    ------
    ConfigError
        If the address is none, or dask is not installed.
    DataError
        If no scheduler answers there.
    """
    address = f"tcp://{check_address(executor)}"
    dask = _dask()
    with dask.utils.silence_logging_cmgr(_SILENT):
        try:
            _knock(dask, address)
            client = dask.Client(address, timeout=CONNECT_S, set_as_default=False)
        except Exception as error:  # what is no scheduler answers with what it likes
            found = f"nobody answers within {CONNECT_S} s"
            if not isinstance(error, OSError):
                found = f"what answers is no scheduler: {type(error).__name__}"
            raise DataError(
                f"executor: {executor} cannot be reached ({found}); expected the scheduler of a "
                "running dask cluster; start one or correct the address"
            ) from error
        with client:
            yield Cluster(client.get_executor(pure=False), client)


def _knock(dask: Any, address: str) -> None:
    """Shake hands with a scheduler, before a client is made that would go on trying for long."""

    async def meet() -> None:
        async with dask.core.rpc(address, timeout=CONNECT_S) as remote:
            await dask.utils.wait_for(remote.identity(), CONNECT_S)

    loop = dask.utils.LoopRunner()
    loop.start()
    try:
        loop.run_sync(meet)
    finally:
        loop.stop()


def _dask() -> Any:
    try:
        import distributed
    except ImportError as error:
        raise ConfigError(
            "executor: dask is not installed; expected it for dask://HOST:PORT; install the extra "
            "dask"
        ) from error
    return distributed
