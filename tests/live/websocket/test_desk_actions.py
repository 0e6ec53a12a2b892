"""What is done about alerts: by whom, once, and told to all."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from alertlib.errors import StorageError
from runners.live.websocket.protocol import Action, ActionRow
from tests.support.websocket_server import (
    EPOCH,
    OTHER_TOKEN,
    MemoryHistory,
    alert_json,
    receive,
    run,
    serving,
)


def act(identifier: str = "a", action: str = "executed") -> str:
    return json.dumps({"type": "action", "id": identifier, "action": action})


def on(number: int, action: str = "executed") -> Action:
    """An action on the alert of that number."""
    return Action(json.loads(alert_json(number))["id"], action, "")


def place(message: dict[str, Any]) -> tuple[str, int]:
    """Return what came, and the number of the alert it is or is about."""
    kind = message["type"]
    return kind, message["seq"] if kind == "alert" else int(message["id"], 16)


def test_everybody_is_told_once_and_who_comes_later_too() -> None:
    async def scenario() -> None:
        async with serving() as house, house.connect() as ana, house.connect() as rui:
            await receive(ana)
            await receive(rui)
            for _ in range(2):
                await ana.send(act())
            await ana.send(act("a", "rejected"))
            told = await receive(rui, 2)
            first, again, changed = await receive(ana, 3)
            assert first == again == told[0]  # a repeat is answered, and to its sender only
            assert changed == told[1]
            assert [(one["type"], one["id"], one["action"], one["actor"]) for one in told] == [
                ("action", "a", "executed", "mesa"),
                ("action", "a", "rejected", "mesa"),
            ]
            assert [action for _, _, action, _ in house.audit.actions] == ["executed", "rejected"]
            async with house.connect(token=OTHER_TOKEN) as late:
                _, again = await receive(late, 2)
                assert again == told[1]

    run(scenario())


def test_an_action_on_no_known_alert_is_refused_and_counted() -> None:
    async def scenario() -> None:
        async with serving() as house, house.connect() as client:
            house.history.unknown = {"b"}
            await receive(client)
            await client.send(act("b"))
            await client.send(act("a"))
            (told,) = await receive(client)
            assert told["id"] == "a"
            assert len(house.audit.actions) == 1
            refused = 'alertas_websocket_ignored_total{reason="unknown_alert"} 1'
            assert refused in house.metrics.render().splitlines()

    run(scenario())


def test_nobody_is_told_of_an_action_before_it_is_on_disk() -> None:
    async def scenario() -> None:
        async with serving() as house, house.connect() as ana:
            waiting: list[Callable[[bool], None]] = []
            house.audit.settle = waiting.append
            await receive(ana)
            for _ in range(2):  # the second finds the first still being written
                await ana.send(act())
            await house.until(lambda: waiting)
            house.publish()
            assert (await receive(ana))[0]["type"] == "alert"
            async with house.connect() as late:
                await receive(late)
                house.publish()
                assert (await receive(late))[0]["type"] == "alert"
                assert (await receive(ana))[0]["type"] == "alert"
                (settle,) = waiting
                settle(True)
                for client in (ana, late):
                    (told,) = await receive(client)
                    assert (told["type"], told["id"]) == ("action", "a")

    run(scenario())


def test_an_action_that_could_not_be_written_is_told_to_nobody_and_may_be_tried_again() -> None:
    async def scenario() -> None:
        async with serving() as house, house.connect() as ana:
            await receive(ana)
            house.audit.settle = lambda settled: settled(False)
            await ana.send(act())
            await house.until(lambda: len(house.audit.actions) == 1)
            house.audit.settle = lambda settled: settled(True)
            await ana.send(act())
            (told,) = await receive(ana)
            assert told["id"] == "a"
            assert len(house.audit.actions) == 2
            async with house.connect() as late:
                _, again = await receive(late, 2)
                assert again == told

    run(scenario())


def test_a_replay_tells_what_stands_between_the_messages_it_came_between() -> None:
    async def scenario() -> None:
        async with serving() as house:
            house.publish(40)
            house.history.act("rui", on(7, "rejected"))
            house.history.act("rui", on(2))
            house.publish(40)
            house.history.act("ana", on(7, "ignored"))
            house.history.act("ana", on(60))
            async with house.connect(f"?epoch={EPOCH}&since=0") as client:
                _, *messages = await receive(client, 84)
                told = [number for kind, number in map(place, messages) if kind == "action"]
                assert told == [2, 7, 60]  # of 7, the newest alone
                came = [place(message) for message in messages]
                assert came.index(("action", 2)) < came.index(("alert", 80))
                assert [one["actor"] for one in messages if one["type"] == "action"] == [
                    "rui", "ana", "ana",
                ]  # fmt: skip
            async with house.connect(f"?epoch={EPOCH}&since=79") as client:
                _, alert, *told = await receive(client, 4)
                assert (place(alert), [place(one)[1] for one in told]) == (("alert", 80), [7, 60])

    run(scenario())


def test_what_was_done_before_an_alert_is_told_before_it() -> None:
    """Or whoever has the alert and was cut off would not be told when it comes back."""

    async def scenario() -> None:
        async with serving() as house, house.connect() as client:
            await receive(client)
            house.publish(1)
            house.history.act("rui", on(1))  # written, and nobody has been told yet
            house.publish(1)
            house.server.broadcaster.publish_actions()
            house.publish(1)
            came = [place(message) for message in await receive(client, 4)]
            assert came == [("alert", 1), ("action", 1), ("alert", 2), ("alert", 3)]

    run(scenario())


def test_a_client_whose_buffers_were_full_is_told_what_it_missed() -> None:
    async def scenario() -> None:
        async with serving() as house, house.connect() as ana:
            await receive(ana)
            house.publish(1)
            for number in range(2, 2_000):
                house.history.act("rui", on(number))
            house.server.broadcaster.publish_actions()  # 300 KiB in one go
            house.publish(1)
            owed = {("action", number) for number in range(2, 2_000)} | {("alert", 2)}
            while owed:
                owed.discard(place((await receive(ana))[0]))

    run(scenario())


def test_actions_that_cannot_be_read_hold_up_no_alert() -> None:
    async def scenario() -> None:
        class Broken(MemoryHistory):
            is_broken = False

            def actions(self, after: int, upto: int, limit: int) -> Sequence[ActionRow]:
                if self.is_broken:
                    raise StorageError("disk I/O error")
                return super().actions(after, upto, limit)

        history = Broken()
        async with serving(history=history) as house, house.connect() as client:
            await receive(client)
            house.publish()
            await receive(client)
            history.is_broken = True
            history.act("rui", on(1))
            house.publish()
            assert (await receive(client))[0]["seq"] == 2
            history.is_broken = False
            house.publish()
            assert [one["type"] for one in await receive(client, 2)] == ["action", "alert"]

    run(scenario())
