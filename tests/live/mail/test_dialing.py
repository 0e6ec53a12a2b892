"""Connecting to a host of several addresses, some of them dead: real sockets on loopback."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from runners.live.mail import dialing
from runners.live.mail.dialing import Dialer, Place
from runners.live.mail.pool import SmtpPool
from runners.live.mail.settings import Access
from tests.support.smtp_servers import DESK, HANG, plain, scripted


@contextmanager
def dead_end() -> Iterator[Place]:
    """A port that swallows what asks for a connection: its queue is full and nobody accepts."""
    with socket.socket(socket.AF_INET6) as listener:
        try:
            listener.bind(("::1", 0))
        except OSError:
            pytest.skip("no IPv6 on this machine's loopback")
        listener.listen(0)
        address = listener.getsockname()
        waiting = []
        for _ in range(4):
            one = socket.socket(socket.AF_INET6)
            one.setblocking(False)
            one.connect_ex(address)
            waiting.append(one)
        try:
            yield Place(socket.AF_INET6, address)
        finally:
            for one in waiting:
                one.close()


def resolve_to(monkeypatch: pytest.MonkeyPatch, *places: Place) -> None:
    async def addresses(_: Dialer) -> list[Place]:
        return list(places)

    monkeypatch.setattr(Dialer, "_addresses", addresses)


def v4(port: int) -> Place:
    return Place(socket.AF_INET, ("127.0.0.1", port))


def test_a_dead_first_address_costs_a_moment_and_no_attempt(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A host with a dead IPv6 address never got a mail."""
    monkeypatch.setattr(dialing, "STAGGER_SECONDS", 0.05)

    async def send() -> None:
        async with scripted() as server:
            with dead_end() as dead:
                resolve_to(monkeypatch, dead, v4(server.port))
                pool = SmtpPool(plain(server.port), Access())
                result = await pool.send(b"Subject: x\r\n\r\n", DESK)
                await pool.close()
            assert (result.verdict.value, len(server.raw)) == ("delivered", 1)

    asyncio.run(send())


def test_the_reason_names_every_address_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    async def send() -> None:
        with dead_end() as dead:
            resolve_to(monkeypatch, v4(1), dead)
            settings = plain(25, timeout_seconds=0.3)
            result = await SmtpPool(settings, Access()).send(b"Subject: x\r\n\r\n", DESK)
            assert result.reason == f"no reply within 0.3 s from 127.0.0.1:1, {dead}"
        resolve_to(monkeypatch, v4(1), v4(2))
        result = await SmtpPool(settings, Access()).send(b"Subject: x\r\n\r\n", DESK)
        assert result.reason.count("refused") == 2
        assert "127.0.0.1:1 " in result.reason
        assert "127.0.0.1:2 " in result.reason

    asyncio.run(send())


def test_a_name_that_is_none() -> None:
    with pytest.raises(OSError, match=r"^no\.such\.host\.invalid: "):
        asyncio.run(Dialer("no.such.host.invalid", 25).connect())


def test_an_address_that_takes_connections_and_says_nothing_is_tried_last(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def send() -> None:
        async with scripted(replies={"BANNER": HANG}) as mute, scripted() as server:
            resolve_to(monkeypatch, v4(mute.port), v4(server.port))
            pool = SmtpPool(plain(25, timeout_seconds=0.2), Access())
            first = await pool.send(b"Subject: x\r\n\r\n", DESK)
            assert first.reason == f"no reply within 0.2 s from 127.0.0.1:{mute.port}"
            assert (await pool.send(b"Subject: x\r\n\r\n", DESK)).verdict.value == "delivered"
            await pool.close()

    asyncio.run(send())


def test_families_take_turns() -> None:
    six = [Place(socket.AF_INET6, ("::1", n, 0, 0)) for n in (1, 2, 3)]
    four = [v4(1), v4(2)]
    dialer = Dialer("x", 25)
    assert dialer._in_order([*six, *four]) == [six[0], four[0], six[1], four[1], six[2]]
    dialer.blame(six[0])
    assert dialer._in_order([*six, *four])[-1] == six[0]


def test_what_did_not_win_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dialing, "STAGGER_SECONDS", 0.0)

    async def connect() -> None:
        async with scripted(replies={"BANNER": HANG}) as one:
            resolve_to(monkeypatch, v4(one.port), v4(one.port), v4(1))
            for _ in range(5):
                won, _ = await Dialer("x", 25).connect()
                won.close()

    # A socket left open is a ResourceWarning, and warnings fail.
    asyncio.run(connect())
