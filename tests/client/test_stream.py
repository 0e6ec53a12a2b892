"""The client helper against the real server, through restarts, cuts and refusals."""

from __future__ import annotations

import asyncio
import json
import random
import re
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.server import serve

from alertlib.errors import ConfigError, DataError, StorageError
from runners.client import AlertClient, Message, Position
from runners.client import stream as client_module
from runners.client.position import save
from tests.support.websocket_server import (
    EPOCH,
    JWT_SECRET,
    TOKEN,
    Harness,
    MemoryHistory,
    alert_json,
    make_jwt,
    run,
    serving,
)


async def take(client: AlertClient, count: int, seconds: float = 10.0) -> list[Message]:
    async with asyncio.timeout(seconds):
        return [await anext(client) for _ in range(count)]


def numbers(messages: list[Message]) -> list[int]:
    return [message.seq for message in messages]


async def connected(house: Harness, client: AlertClient) -> asyncio.Task[Message]:
    """Start waiting for the next message, and return once the server knows the client."""
    task = asyncio.ensure_future(anext(client))
    await house.until(lambda: house.server.stats()["clients"] == 1)
    return task


class TestStream:
    def test_live_messages(self) -> None:
        async def scenario() -> None:
            async with serving() as house, AlertClient(house.url, TOKEN) as client:
                house.publish(5)
                waiting = await connected(house, client)
                house.publish()
                house.publish(kind="correction")
                first, second = await waiting, await anext(client)
                assert first == Message("alert", 6, first.sent_at, json.loads(alert_json(6)))
                assert (second.type, second.seq) == ("correction", 7)

        run(scenario())

    def test_the_retained_window(self) -> None:
        async def scenario() -> None:
            async with serving() as house:
                house.publish(50)
                house.history.forget(10)
                async with AlertClient(house.url, TOKEN, window=True) as client:
                    assert numbers(await take(client, 40)) == list(range(11, 51))
                    assert client.missed == 0

        run(scenario())

    def test_acknowledged_is_what_has_been_dealt_with(self) -> None:
        async def scenario() -> None:
            async with serving() as house:
                house.publish(3)
                async with AlertClient(house.url, TOKEN, window=True) as client:
                    await take(client, 3)
                    await house.until(lambda: house.audit.acks == [("mesa", 2)])
                await house.until(lambda: house.audit.acks[-1] == ("mesa", 3))
                assert house.metrics.value("alertas_websocket_ignored_total") == 0

        run(scenario())

    def test_acknowledging_does_not_flood(self) -> None:
        async def scenario() -> None:
            async with serving() as house:
                house.publish(2_000)
                async with AlertClient(house.url, TOKEN, window=True) as client:
                    await take(client, 2_000)
                    assert client.attempts == 1
                assert house.metrics.value("alertas_websocket_acks_total") < 20

        run(scenario())

    def test_waiting_may_be_cancelled(self) -> None:
        async def scenario() -> None:
            async with serving() as house, AlertClient(house.url, TOKEN) as client:
                waiting = await connected(house, client)
                await house.until(lambda: client.position is not None)
                waiting.cancel()
                for expected in range(1, 6):
                    for _ in range(3):
                        with pytest.raises(TimeoutError):
                            await asyncio.wait_for(anext(client), 0.02)
                    house.publish()
                    assert numbers(await take(client, 1)) == [expected]

        run(scenario())


class TestReconnecting:
    def test_restarts_lose_nothing_and_repeat_nothing(self) -> None:
        async def scenario() -> None:
            history, seen = MemoryHistory(), []
            port = 0
            client: AlertClient | None = None
            for round_ in range(6):
                async with serving(history=history, port=port) as house:
                    port = house.server.port
                    client = client or AlertClient(house.url, TOKEN, window=True)
                    house.publish(20)
                    if round_ == 0:
                        house.publish(1)
                    seen += await take(client, 20 if round_ else 21)
                history.commit(0)
            assert client is not None
            assert numbers(seen) == list(range(1, 122))
            assert client.missed == 0
            await client.close()

        run(scenario())

    @pytest.mark.parametrize("resumes", [True, False])
    def test_cut_at_any_moment(self, resumes: bool) -> None:
        """With resuming nothing is missed or shown twice; without it the same cuts lose alerts."""

        async def scenario() -> None:
            dice = random.Random(7)
            async with serving() as house:
                seen: list[int] = []
                client = AlertClient(house.url, TOKEN, window=True)

                async def read() -> None:
                    while not seen or seen[-1] < 3_000:
                        if not resumes:
                            client.position = None
                            client._window = False
                        seen.append((await anext(client)).seq)

                reader = asyncio.create_task(read())
                while house.history.head < 3_000:
                    house.publish(dice.randrange(1, 8))
                    if dice.random() < 0.05:
                        for peer in tuple(house.server._clients):
                            peer.cut()
                    await asyncio.sleep(0.001 * dice.randrange(3))
                    if house.history.head > 2_000 and not resumes:
                        break
                if resumes:
                    await asyncio.wait_for(reader, 10)
                    assert seen == list(range(1, seen[-1] + 1))
                    assert client.attempts > 10
                else:
                    reader.cancel()
                    with suppress(asyncio.CancelledError):
                        await reader
                    missing = set(range(1, max(seen) + 1)) - set(seen)
                    assert missing, "the check above could not have failed"
                await client.close()

        run(scenario())

    def test_what_is_no_longer_retained_is_counted(self) -> None:
        async def scenario() -> None:
            async with serving() as house, AlertClient(house.url, TOKEN, window=True) as client:
                house.publish(10)
                await take(client, 10)
                await client.close()
                house.publish(90)
                house.history.forget(40)
                assert numbers(await take(client, 60)) == list(range(41, 101))
                assert client.missed == 30

        run(scenario())

    def test_another_database_starts_over(self) -> None:
        async def scenario() -> None:
            async with serving() as house:
                port = house.server.port
                client = AlertClient(house.url, TOKEN, window=True)
                house.publish(5)
                await take(client, 5)
            other = MemoryHistory("e-2")
            other.commit(3)
            async with serving(history=other, port=port):
                assert numbers(await take(client, 3)) == [1, 2, 3]
                assert client.position == Position("e-2", 2)
                await client.close()

        run(scenario())

    def test_a_database_restored_from_a_copy_starts_over(self) -> None:
        async def scenario() -> None:
            async with serving() as house, AlertClient(house.url, TOKEN, window=True) as client:
                house.publish(4)
                client.position = Position(EPOCH, 900)
                assert numbers(await take(client, 4)) == [1, 2, 3, 4]

        run(scenario())

    def test_a_full_server_is_tried_again(self) -> None:
        async def scenario() -> None:
            async with serving(max_connections=1) as house:
                async with house.connect():
                    client = AlertClient(house.url, TOKEN)
                    waiting = asyncio.ensure_future(anext(client))
                    await house.until(lambda: client.attempts > 2)
                await house.until(lambda: client.position is not None)
                house.publish()
                assert (await waiting).seq == 1
                await client.close()

        run(scenario())

    def test_servers_that_are_something_else(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(client_module, "OPEN_SECONDS", 0.3)
        monkeypatch.setattr(client_module, "LAST_RETRY_SECONDS", 0.1)
        welcome = {"type": "welcome", "epoch": "E", "seq": 4, "recovered": False}
        alert = {"type": "alert", "epoch": "E", "seq": 5, "sent_at": "", "alert": {"id": "a"}}
        scripts: list[list[Any]] = [
            ["hello"],
            [[1]],
            [b"\x00"],
            [],
            [alert],
            [welcome | {"epoch": 5}],
            [welcome | {"seq": None}],
            [welcome, alert | {"seq": 7}],
            [welcome, alert | {"seq": "5"}],
            [welcome, alert | {"alert": 7}],
            [welcome, alert | {"epoch": "F"}],
            [welcome, "\x00"],
            [welcome, {"type": "news"}, alert],
        ]

        async def scenario() -> None:
            pending = iter(scripts)

            async def act(socket: Any) -> None:
                for message in next(pending):
                    raw = isinstance(message, str | bytes)
                    await socket.send(message if raw else json.dumps(message))
                await socket.wait_closed()

            async with serve(act, "127.0.0.1", 0) as server:
                (sock,) = server.sockets
                url = f"ws://127.0.0.1:{sock.getsockname()[1]}"
                async with AlertClient(url, TOKEN) as client:
                    assert numbers(await take(client, 1, seconds=25)) == [5]
                    assert client.attempts >= len(scripts)

        run(scenario())


class TestRefusals:
    def test_a_wrong_token(self) -> None:
        async def scenario() -> None:
            async with serving() as house, AlertClient(house.url, "wrong") as client:
                with pytest.raises(ConfigError, match=r"HTTP 401, expected 101; check the token"):
                    await anext(client)

        run(scenario())

    def test_a_wrong_path_and_a_wrong_url(self) -> None:
        async def scenario() -> None:
            async with serving() as house:
                with pytest.raises(ConfigError, match="HTTP 404"):
                    await anext(AlertClient(f"{house.url}/x", TOKEN))
                with pytest.raises(ConfigError, match="expected a ws:// or wss:// address"):
                    await anext(AlertClient("http://localhost", TOKEN))

        run(scenario())

    def test_an_expired_token(self) -> None:
        async def scenario() -> None:
            claims = {"sub": "ana", "aud": "alertas", "exp": time.time() + 0.6}
            token = make_jwt(claims, secret=JWT_SECRET)
            async with serving(jwt=True) as house, AlertClient(house.url, token) as client:
                with pytest.raises(ConfigError, match="closed the connection with 4401"):
                    await anext(client)

        run(scenario())


class TestActions:
    def test_sent_at_once_or_with_the_next_connection(self) -> None:
        async def scenario() -> None:
            async with serving() as house, AlertClient(house.url, TOKEN) as client:
                await client.action("a1", "executed", "à vista")
                house.publish()
                waiting = await connected(house, client)
                await house.until(lambda: len(house.audit.actions) == 1)
                await client.action("a2", "rejected")
                await house.until(lambda: len(house.audit.actions) == 2)
                assert house.audit.actions == [
                    ("mesa", "a1", "executed", "à vista"),
                    ("mesa", "a2", "rejected", ""),
                ]
                waiting.cancel()

        run(scenario())

    def test_mistakes(self) -> None:
        async def scenario() -> None:
            client = AlertClient("ws://localhost", TOKEN)
            with pytest.raises(ValueError, match="`action` must be one of executed"):
                await client.action("a", "bought")
            with pytest.raises(ValueError, match="`note` must have up to 500 characters; got 501"):
                await client.action("a", "ignored", "x" * 501)

        run(scenario())


class TestState:
    def test_the_next_run_goes_on_where_this_one_stopped(self, tmp_path: Path) -> None:
        state = tmp_path / "client.json"

        async def scenario() -> None:
            async with serving() as house:
                async with AlertClient(house.url, TOKEN, state=state) as client:
                    waiting = await connected(house, client)
                    await house.until(state.exists)
                    assert json.loads(state.read_text()) == {"epoch": EPOCH, "seq": 0}
                    house.publish(5)
                    assert (await waiting).seq == 1
                    assert numbers(await take(client, 2)) == [2, 3]
                assert json.loads(state.read_text()) == {"epoch": EPOCH, "seq": 3}
                async with AlertClient(house.url, TOKEN, state=state) as client:
                    assert numbers(await take(client, 2)) == [4, 5]
                assert sorted(path.name for path in tmp_path.iterdir()) == ["client.json"]

        run(scenario())

    def test_a_message_somebody_died_over_comes_again(self, tmp_path: Path) -> None:
        state = tmp_path / "client.json"

        async def scenario() -> None:
            async with serving() as house:
                house.publish(5)
                with suppress(ZeroDivisionError):
                    async with AlertClient(house.url, TOKEN, state=state, window=True) as client:
                        async for message in client:
                            assert message.seq <= 3
                            raise_at_zero = 1 / (3 - message.seq)
                            assert raise_at_zero > 0
                async with AlertClient(house.url, TOKEN, state=state) as client:
                    assert numbers(await take(client, 3)) == [3, 4, 5]

        run(scenario())

    def test_a_folder_for_a_position_is_a_storage_error(self, tmp_path: Path) -> None:
        """It was an internal error, exit 70."""
        with pytest.raises(StorageError, match=r"cannot be read \(.+\), expected a file"):
            AlertClient("ws://localhost", TOKEN, state=tmp_path)

    def test_a_position_that_cannot_be_written_is_a_storage_error(self, tmp_path: Path) -> None:
        with pytest.raises(StorageError, match=r"client\.json: cannot be written \(No such file"):
            save(tmp_path / "gone" / "client.json", Position("e", 1))

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "{}",
            "[]",
            "7",
            "[" * 100_000,
            "\udc80",
            '{"epoch":"E"}',
            '{"epoch":"E","seq":-1}',
            '{"epoch":1,"seq":1}',
        ],
    )
    def test_a_file_that_is_no_position(self, tmp_path: Path, text: str) -> None:
        state = tmp_path / "client.json"
        state.write_text(text, errors="surrogateescape")
        with pytest.raises(DataError, match=r"client\.json: got .*expected a client's position"):
            AlertClient("ws://localhost", TOKEN, state=state)


@pytest.mark.parametrize(
    "url",
    ["ws://localhost:99999", "ws://localhost:port", "ws://[::1", "ws://a..b:1", "ws://",
     "http://localhost:1", "localhost:8765", "ws://localhost:1#here"],
)  # fmt: skip
@pytest.mark.parametrize("window", [False, True])
def test_a_url_that_is_none_is_an_error_of_its_user(url: str, window: bool) -> None:
    """A port or a bracket out of place was an internal error, exit 70."""

    async def scenario() -> None:
        async with AlertClient(url, TOKEN, window=window) as client:
            await anext(client)

    said = f"url {re.escape(url)} cannot be connected to, expected a ws:// or wss:// address"
    with pytest.raises(ConfigError, match=f"^{said}"):
        asyncio.run(scenario())
