"""A mail server that takes everything."""

from __future__ import annotations

import asyncio
import multiprocessing
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def mail_sink() -> Iterator[int]:
    """Run a mail server that takes everything, in a process of its own; yield its port."""
    context = multiprocessing.get_context("spawn")
    ports = context.Queue()
    process = context.Process(target=_take_mails, args=(ports,), daemon=True)
    process.start()
    try:
        yield int(ports.get(timeout=30))
    finally:
        process.terminate()
        process.join()


def _take_mails(ports: Any) -> None:
    async def serve() -> None:
        server = await asyncio.start_server(_converse, "127.0.0.1", 0)
        ports.put(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(serve())


async def _converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"220 sink\r\n")
    is_data = False
    async for line in _lines(reader):
        if is_data:
            is_data = line != b".\r\n"
            if is_data:
                continue
        is_data = line[:4].upper() == b"DATA"
        writer.write(b"354 go on\r\n" if is_data else b"250 ok\r\n")
        await writer.drain()
    writer.close()


async def _lines(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    while line := await reader.readline():
        yield line
