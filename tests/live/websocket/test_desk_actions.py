"""What is done about alerts: by whom, once, and told to all."""

from __future__ import annotations

import json

from runners.live.websocket.desk_actions import KEPT, Acted, DeskActions
from runners.live.websocket.protocol import Action
from tests.support.websocket_server import OTHER_TOKEN, receive, run, serving


def act(identifier: str = "a", action: str = "executed") -> str:
    return json.dumps({"type": "action", "id": identifier, "action": action})


def test_the_newest_action_on_each_alert_is_kept_and_no_more_than_so_many() -> None:
    desk = DeskActions()
    for number in range(KEPT + 1):
        assert desk.take(Acted("ana", Action(str(number), "executed", ""), "t"))
    assert not desk.take(Acted("ana", Action("7", "executed", ""), "later"))
    assert desk.take(Acted("rui", Action("7", "executed", ""), "later"))
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
