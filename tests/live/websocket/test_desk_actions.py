"""What is done about alerts: by whom, once, and told to all."""

from __future__ import annotations

import json
from collections.abc import Callable

from runners.live.websocket.desk_actions import KEPT, Acted, DeskActions
from runners.live.websocket.protocol import Action
from tests.support.websocket_server import OTHER_TOKEN, receive, run, serving


def act(identifier: str = "a", action: str = "executed") -> str:
    return json.dumps({"type": "action", "id": identifier, "action": action})


def did(actor: str, identifier: str, at: str = "t") -> Acted:
    return Acted(actor, Action(identifier, "executed", ""), at)


def test_the_newest_action_on_each_alert_is_kept_and_no_more_than_so_many() -> None:
    desk = DeskActions()
    for number in range(KEPT + 1):
        desk.written(did("ana", str(number)))
    assert desk.standing(did("ana", "7", "later")) == did("ana", "7")
    assert desk.standing(did("rui", "7")) is None
    desk.written(did("rui", "7", "later"))
    ids = [one.done.id for one in desk.recent()]
    assert len(ids) == KEPT
    assert "0" not in ids
    assert ids[-1] == "7"


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
            house.server.actions.knows = lambda identifier: identifier == "a"
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
