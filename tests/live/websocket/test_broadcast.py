"""The broadcaster with real clients on real sockets: welcome, resume, bursts, shutdown."""

from __future__ import annotations

import asyncio
import json
import time
from datetime import UTC, datetime
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from alertlib.errors import StorageError
from runners.live.websocket import session
from tests.support.websocket_server import (
    EPOCH,
    JWT_SECRET,
    OTHER_TOKEN,
    TOKEN,
    MemoryHistory,
    alert_json,
    closed_with,
    make_jwt,
    numbers,
    receive,
    run,
    serving,
    stream,
)


class TestLive:
    def test_a_client_is_welcomed_and_sent_what_is_committed(self) -> None:
        async def scenario() -> None:
            async with serving() as house, house.connect() as client:
                (welcome,) = await receive(client)
                assert welcome == {
                    "type": "welcome",
                    "protocol": "alertas.v1",
                    "epoch": EPOCH,
                    "seq": 0,
                    "recovered": False,
                }
                before = time.time()
                house.publish()
                house.publish(kind="correction")
                alert, correction = await receive(client, 2)
                assert alert["type"] == "alert"
                assert alert["epoch"] == EPOCH
                assert alert["seq"] == 1
                assert alert["alert"] == json.loads(alert_json(1))
                sent_at = datetime.fromisoformat(alert["sent_at"])
                assert sent_at.tzinfo == UTC
                assert before <= sent_at.timestamp() + 1e-6 <= time.time() + 1e-6
                assert correction["type"] == "correction"
                assert correction["seq"] == 2

        run(scenario())

    def test_the_three_ways_to_authenticate(self) -> None:
        async def scenario() -> None:
            async with serving() as house:
                async with house.connect() as client:
                    assert (await receive(client))[0]["type"] == "welcome"
                    assert client.subprotocol is None
                offers = ["alertas.v1", f"bearer.{OTHER_TOKEN}"]
                async with house.connect(token=None, subprotocols=offers) as client:
                    assert (await receive(client))[0]["type"] == "welcome"
                    assert client.subprotocol == "alertas.v1"
                    assert client.response is not None
                    assert OTHER_TOKEN not in str(client.response.headers)
                async with house.connect(token=None) as client:
                    await client.send(json.dumps({"type": "auth", "token": TOKEN}))
                    assert (await receive(client))[0]["type"] == "welcome"
                    house.publish()
                    assert numbers(await receive(client)) == [1]
                await house.until(lambda: len(house.audit.of("client_closed")) == 3)
                actors = [actor for kind, actor, _ in house.audit.events if "connected" in kind]
                assert actors == ["mesa", "risco", "mesa"]

        run(scenario())

    def test_without_credentials_nothing_is_sent_and_4401_follows(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(session, "AUTH_SECONDS", 0.6)

        async def scenario() -> None:
            async with serving() as house, house.connect(token=None) as client:
                house.publish(3)
                with pytest.raises(ConnectionClosed):
                    await client.recv()
                assert client.close_code == 4401
                assert house.audit.of("client_connected") == []
                (rejected,) = house.audit.of("client_rejected")
                assert rejected["reason"] == "no_credentials_in_time"

        run(scenario())

    @pytest.mark.parametrize("message", ["hello", '{"type":"auth","token":"no"}', b"x"])
    def test_a_wrong_first_message(self, message: str | bytes) -> None:
        async def scenario() -> None:
            async with serving() as house, house.connect(token=None) as client:
                await client.send(message)
                assert await closed_with(client) == 4401

        run(scenario())

    def test_a_token_that_expires_closes_the_connection(self) -> None:
        async def scenario() -> None:
            claims = {"sub": "ana", "aud": "alertas", "exp": time.time() + 0.7}
            token = make_jwt(claims, secret=JWT_SECRET)
            async with serving(jwt=True) as house, house.connect(token=token) as client:
                assert (await receive(client))[0]["type"] == "welcome"
                assert await closed_with(client) == 4401
                (closed,) = house.audit.of("client_closed")
                assert closed["code"] == 4401
                assert closed["reason"] == "token expired"
                with pytest.raises(InvalidStatus, match="401"):
                    await house.connect(token=token)

        run(scenario())


class TestResume:
    @pytest.mark.parametrize("by", ["query", "message"])
    def test_everything_later_in_order_then_live(self, by: str) -> None:
        async def scenario() -> None:
            async with serving() as house:
                house.publish(500)
                query = f"?epoch={EPOCH}&since=20" if by == "query" else ""
                async with house.connect(query) as client:
                    (welcome,) = await receive(client)
                    assert welcome["recovered"] is (by == "query")
                    if by == "message":
                        request = {"type": "resume", "epoch": EPOCH, "since": 20}
                        await client.send(json.dumps(request))
                        (welcome,) = await receive(client)
                    assert (welcome["recovered"], welcome["seq"]) == (True, 500)
                    assert await stream(client, 500) == list(range(21, 501))
                    house.publish(3)
                    assert await stream(client, 503) == [501, 502, 503]

        run(scenario())

    @pytest.mark.parametrize(
        "query",
        [
            f"?epoch={EPOCH}&since=101",
            f"?epoch={EPOCH}&since=3",
            f"?epoch={EPOCH}&since=-1",
            f"?epoch={EPOCH}&since=50.0",
            f"?epoch={EPOCH}&since={'9' * 400}",
            f"?epoch={EPOCH}&since=",
            f"?epoch={EPOCH}",
            "?since=50",
            "?epoch=another&since=50",
        ],
    )
    def test_what_cannot_be_resumed_gets_the_retained_window(self, query: str) -> None:
        async def scenario() -> None:
            async with serving() as house:
                house.publish(100)
                house.history.forget(10)
                async with house.connect(query) as client:
                    (welcome,) = await receive(client)
                    assert welcome["recovered"] is False
                    assert await stream(client, 100) == list(range(11, 101))

        run(scenario())

    @pytest.mark.parametrize("since", [101, 3, -1, 50.5, 1e400, True, None, "50", [50], 10**30])
    def test_nonsense_in_a_message_gets_the_window_too(self, since: Any) -> None:
        async def scenario() -> None:
            async with serving() as house:
                house.publish(100)
                house.history.forget(10)
                async with house.connect() as client:
                    await receive(client)
                    await client.send(
                        json.dumps({"type": "resume", "epoch": EPOCH, "since": since})
                    )
                    if since == 1e400:  # not JSON at all: ignored and counted
                        await house.until(lambda: "not_json" in house.metrics.render())
                        return
                    (welcome,) = await receive(client)
                    assert welcome["recovered"] is False
                    assert await stream(client, 100) == list(range(11, 101))

        run(scenario())

    def test_commits_during_a_replay_come_once_and_in_order(self) -> None:
        async def scenario() -> None:
            async with serving() as house:
                house.publish(3_000)
                clients = [await house.connect(f"?epoch={EPOCH}&since={i}") for i in range(5)]
                readers = [asyncio.create_task(stream(client, 4_000)) for client in clients]
                while house.history.head < 4_000:
                    house.publish(10)
                    await asyncio.sleep(0)
                for first, reader in enumerate(readers):
                    assert await reader == list(range(first + 1, 4_001))
                for client in clients:
                    await client.close()

        run(scenario())

    def test_starting_over_in_the_middle_of_a_replay(self) -> None:
        async def scenario() -> None:
            async with serving() as house:
                house.publish(2_000)
                async with house.connect(f"?epoch={EPOCH}&since=0") as client:
                    await receive(client, 5)
                    await client.send(json.dumps({"type": "resume", "epoch": EPOCH, "since": 7}))
                    async with asyncio.timeout(10):
                        while json.loads(await client.recv())["type"] != "welcome":
                            pass
                    assert await stream(client, 2_000) == list(range(8, 2_001))

        run(scenario())

    def test_retention_that_overtakes_a_replay_says_so(self) -> None:
        async def scenario() -> None:
            async with serving() as house:
                house.publish(2_000, size=1_000)
                # Read nothing yet, so that the replay waits for us.
                client = await house.connect(f"?epoch={EPOCH}&since=0", max_queue=1)
                await asyncio.sleep(0.3)
                house.history.forget(1_990)
                with pytest.raises(ConnectionClosed):
                    await stream(client, 2_000)
                assert client.close_code == 1013
                assert client.close_reason == "fell behind the retained window"

        run(scenario())


class TestFlow:
    def test_a_burst_larger_than_any_buffer_costs_nobody_their_connection(self) -> None:
        async def scenario() -> None:
            async with serving() as house:
                clients = [await house.connect() for _ in range(5)]
                readers = [asyncio.create_task(stream(client, 3_000)) for client in clients]
                await house.until(lambda: house.server.stats()["clients"] == 5)
                house.publish(3_000)  # a megabyte in one go
                for reader in readers:
                    assert await reader == list(range(1, 3_001))
                assert house.audit.of("client_closed") == []
                for client in clients:
                    await client.close()

        run(scenario())

    def test_publishing_twice_or_late_makes_neither_gap_nor_repetition(self) -> None:
        async def scenario() -> None:
            async with serving() as house, house.connect() as client:
                await receive(client)
                first = house.publish(2)
                house.server.publish(first)
                house.history.commit(100)  # committed, and nobody said so
                house.publish(1)
                house.server.publish([])
                assert await stream(client, 103) == list(range(1, 104))

        run(scenario())

    def test_acknowledgements_and_actions_reach_the_audit(self) -> None:
        async def scenario() -> None:
            async with serving() as house, house.connect() as client:
                house.publish(5)
                await receive(client, 6)
                for seq in (1, 2, 99, 5, 4):
                    await client.send(json.dumps({"type": "ack", "seq": seq}))
                await client.send(
                    '{"type":"action","id":"ab","action":"executed","note":"vendido à vista"}'
                )
                await client.send('{"type":"action","id":"ab","action":"bought"}')
                await client.send(b"binary")
                await house.until(lambda: house.audit.acks)
                assert house.audit.acks[-1] == ("mesa", 5)
                assert house.audit.delivered == [("mesa", 1, 5)]
                assert house.audit.actions == [("mesa", "ab", "executed", "vendido à vista")]
                ignored = "alertas_websocket_ignored_total"
                for reason in ("bad_ack", "bad_action", "binary"):
                    assert house.metrics.value(ignored, reason=reason) == 1
                house.publish()
                told, message = await receive(client, 2)
                assert (told["type"], told["id"]) == ("action", "ab")
                assert message["seq"] == 6

        run(scenario())

    def test_everything_committed_is_sent_before_1001(self) -> None:
        async def scenario() -> None:
            async with serving() as house:
                house.publish(2_000)
                live, replaying = await house.connect(), await house.connect("?epoch=x&since=0")
                reader = asyncio.create_task(stream(replaying, 2_010))
                await receive(live)
                house.publish(5)
                house.history.commit(5)
                await house.server.stop(5)
                assert await stream(live, 2_010) == list(range(2_001, 2_011))
                assert await reader == list(range(1, 2_011))
                assert await closed_with(live) == 1001
                assert await closed_with(replaying) == 1001
                with pytest.raises(OSError, match=r"refused|Connect call failed"):
                    await house.connect()
            codes = [event["code"] for event in house.audit.of("client_closed")]
            assert codes == [1001, 1001]

        run(scenario())

    @pytest.mark.parametrize("error", [StorageError("disk I/O error"), KeyError("a bug")])
    def test_a_broken_history_closes_the_replay_and_nothing_else(self, error: Exception) -> None:
        """After any other error the client stayed connected, and got no alert ever again."""

        class Broken(MemoryHistory):
            def read(self, since: int, limit: int) -> Any:
                raise error

        async def scenario() -> None:
            history = Broken()
            history.commit(10)
            async with serving(history=history) as house, house.connect() as live:
                await receive(live)
                async with house.connect(f"?epoch={EPOCH}&since=1") as client:
                    await receive(client)
                    assert await closed_with(client) == 1013
                house.publish()
                assert numbers(await receive(live)) == [11]

        run(scenario())
