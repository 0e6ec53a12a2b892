"""The feed's state, told at connect and on change."""

from __future__ import annotations

from tests.support.websocket_server import receive, run, serving

RUNNING = {"symbol": "WIN$N", "timeframe": "M5", "last_bar": None, "state": "running"}


def test_clients_are_told_at_connect_and_on_change() -> None:
    async def scenario() -> None:
        async with serving() as house:
            house.server.tell_status([RUNNING])
            async with house.connect() as client, house.connect("?since=0&epoch=e-1") as other:
                for each in (client, other):
                    welcome, status = await receive(each, 2)
                    assert welcome["type"] == "welcome"
                    assert list(status) == ["type", "feed", "now"]
                    assert (status["type"], status["feed"]) == ("status", [RUNNING])
                house.server.tell_status([dict(RUNNING)])  # no change: nothing is said
                house.server.tell_status([RUNNING | {"state": "stale"}])
                for each in (client, other):
                    (status,) = await receive(each)
                    assert status["feed"][0]["state"] == "stale"
                house.publish()
                for each in (client, other):
                    (alert,) = await receive(each)
                    assert (alert["type"], alert["seq"]) == ("alert", 1)

    run(scenario())


def test_strangers_are_told_nothing() -> None:
    async def scenario() -> None:
        async with serving() as house, house.connect(token=None) as client:
            house.server.tell_status([RUNNING])
            (peer,) = house.server._clients
            house.server.tick()
            assert house.server._clients[peer].status_seen == 0
            assert client.close_code is None

    run(scenario())
