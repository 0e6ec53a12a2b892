"""What the operator hears of, and how often: a clock that is only a number."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertlib.config.schema import Email
from runners.live.alert_store.store import Store
from runners.live.gauges import KINDS
from runners.live.health import Reason
from runners.live.mail.words import MAIL_WORDS
from runners.live.operator_notices import (
    GATHERING_SECONDS,
    LASTING_SECONDS,
    LETTERS_AT_ONCE,
    OVER_SECONDS,
    PER_HOUR,
    Operator,
    Trouble,
    Watch,
)

STALE = Reason("feed", "feed: WIN$N M5 is stale", True)
SLOW = Reason("websocket", "websocket: a client answers after 3.0 s", False)
BROKEN = Reason("email", "e-mail: connect: refused", False)


class Desk:
    """A watch looked at once a second."""

    def __init__(self) -> None:
        self.told: list[tuple[float, str, bool]] = []
        self.names: list[list[str]] = []
        self.now = 0.0
        self.watch = Watch(self.tell)

    def tell(self, troubles: Sequence[Trouble], is_over: bool) -> None:
        (kind,) = {one.kind for one in troubles}
        self.told.append((self.now, kind, is_over))
        self.names.append([one.name for one in troubles])

    def see(self, seconds: float, *reasons: Reason) -> None:
        for _ in range(int(seconds)):
            self.now += 1.0
            self.watch.look(list(reasons), self.now, 1_785_244_200.0 + self.now)


def test_trouble_is_told_once_it_has_lasted_and_once_it_is_over() -> None:
    desk = Desk()
    desk.see(600)
    desk.see(300, STALE)
    desk.see(600)
    assert desk.told == [(661.0, "feed", False), (1200.0, "feed", True)]


def test_a_blip_is_told_to_nobody() -> None:
    desk = Desk()
    desk.see(LASTING_SECONDS - 1, STALE)
    desk.see(OVER_SECONDS + 1)
    desk.see(LASTING_SECONDS - 1, STALE)
    desk.see(OVER_SECONDS + 1)
    assert desk.told == []


def test_trouble_that_comes_and_goes_is_one_trouble() -> None:
    desk = Desk()
    for _ in range(100):
        desk.see(3, STALE)
        desk.see(3)
    desk.see(OVER_SECONDS + 1)
    assert [over for _, _, over in desk.told] == [False, True]


def test_a_clients_slow_connection_is_no_mail() -> None:
    """One jittery client caused 19 mails in 90 s, a slow one 53 in 180 s."""
    desk = Desk()
    for _ in range(200):
        desk.see(90, SLOW)
        desk.see(OVER_SECONDS + 1)
    assert desk.told == []


def test_a_daemon_that_stood_still_has_seen_no_trouble() -> None:
    desk = Desk()
    desk.see(2, STALE)
    desk.now += 3_600.0
    desk.see(2, STALE)
    assert desk.told == []


@given(st.lists(st.tuples(st.integers(1, 900), st.booleans()), max_size=40))
def test_there_are_a_few_an_hour_and_they_take_turns(story: list[tuple[int, bool]]) -> None:
    desk = Desk()
    for seconds, is_bad in story:
        desk.see(seconds, *([STALE] if is_bad else []))
    times = [at for at, _, _ in desk.told]
    for at in times:
        assert sum(at <= other < at + 3_600.0 for other in times) <= PER_HOUR
    assert [over for _, _, over in desk.told] == [bool(n % 2) for n in range(len(times))]


def test_what_the_cap_held_back_is_told_when_it_may_be() -> None:
    desk = Desk()
    for _ in range(4):
        desk.see(70, STALE)
        desk.see(OVER_SECONDS + 10)
    desk.see(3_600, STALE)
    # Two and their ends, then the cap; trouble that still is there is told an hour after the first.
    assert [over for _, _, over in desk.told] == [False, True, False, True, False]
    assert desk.told[-1][0] == desk.told[0][0] + 3_600.0


def webhook(name: str) -> Reason:
    return Reason("webhook", f"webhook {name}: HTTP 503", False, (name,))


def stale(*streams: str) -> list[Reason]:
    return [Reason("feed", f"feed: {name} is stale", True, (name,)) for name in streams]


def test_a_second_broken_webhook_is_told_by_name_while_the_first_is_broken() -> None:
    """Notices went by kind: of the second, and of its end, the operator never heard."""
    desk = Desk()
    desk.see(100, webhook("desk"))
    desk.see(100, webhook("desk"), webhook("risk"))
    desk.see(400, webhook("desk"))
    desk.see(400)
    assert desk.names == [["desk"], ["risk"], ["risk"], ["desk"]]
    assert [(at, over) for at, _, over in desk.told] == [
        (61.0, False), (161.0, False), (500.0, True), (900.0, True),
    ]  # fmt: skip


def test_streams_that_go_stale_at_different_times_are_told_each() -> None:
    desk = Desk()
    desk.see(100, *stale("WIN$N M5"))
    desk.see(400, *stale("WIN$N M5", "WDO$N M5"))
    desk.see(400, *stale("WDO$N M5"))
    assert desk.names == [["WIN$N M5"], ["WDO$N M5"], ["WIN$N M5"]]


def test_what_keeps_all_streams_is_one_notice() -> None:
    streams = tuple(f"SYM{number} M5" for number in range(20))
    desk = Desk()
    desk.see(100, Reason("feed", "feed: no answer from the terminal", True, streams))
    desk.see(400, *stale("SYM7 M5"))
    desk.see(400)
    assert desk.names[0] == list(streams)
    assert desk.names[1:] == [[name for name in streams if name != "SYM7 M5"], ["SYM7 M5"]]


def test_things_that_break_one_after_the_other_are_a_few_letters() -> None:
    """Twenty that go stale within two minutes would have been twenty letters, and twenty more."""
    streams = [f"SYM{number:02d} M5" for number in range(20)]
    desk = Desk()
    for count in range(1, 21):
        desk.see(6, *stale(*streams[:count]))
    desk.see(600, *stale(*streams))
    begun = [names for names, (_, _, over) in zip(desk.names, desk.told, strict=True) if not over]
    assert [len(names) for names in begun] == [1, 1, 18]
    assert [name for names in begun for name in names] == streams
    assert desk.told[2][0] - desk.told[0][0] == GATHERING_SECONDS


@given(
    st.lists(
        st.tuples(st.integers(1, 900), st.sets(st.sampled_from("abcde"))), min_size=1, max_size=40
    )
)
def test_of_each_thing_beginning_and_end_take_turns_and_of_all_there_are_few(
    story: list[tuple[int, set[str]]],
) -> None:
    desk = Desk()
    for seconds, broken in story:
        desk.see(seconds, *map(webhook, sorted(broken)))
    desk.see(2 * 3_600)
    times = [at for at, _, _ in desk.told]
    for at in times:
        assert sum(at <= other < at + GATHERING_SECONDS for other in times) <= LETTERS_AT_ONCE
    for thing in "abcde":
        told = [
            (at, over)
            for names, (at, _, over) in zip(desk.names, desk.told, strict=True)
            if thing in names
        ]
        assert [over for _, over in told] == [bool(n % 2) for n in range(len(told))]
        assert len(told) % 2 == 0, "in the end all is well, and that has been told"
        for at, _ in told:
            assert sum(at <= other < at + 3_600.0 for other, _ in told) <= PER_HOUR


class Post:
    def __init__(self) -> None:
        self.sent: list[tuple[Any, ...]] = []

    def notice(self, *notice: Any) -> None:
        self.sent.append(notice)


def operator(post: Post, **email: Any) -> Any:
    made: Any = Operator(None, post, Email(**email))  # type: ignore[arg-type]  # no store is read
    return made._watch


def looks(watch: Watch, seconds: range, *reasons: Reason) -> None:
    for now in seconds:
        watch.look(list(reasons), float(now), 1_785_244_200.0 + now)


def test_of_a_broken_channel_only_the_end_is_mailed() -> None:
    post = Post()
    watch = operator(post, operator="op@x.example")
    looks(watch, range(100), BROKEN)
    assert post.sent == []
    looks(watch, range(100, 500))
    ((title, lines, about),) = post.sent
    assert (title, about) == ("Alertas: falha no canal de e-mail: normalizado", ["email:"])
    assert lines[1] == "O programa diz: e-mail: connect: refused"
    assert lines[0].startswith("De 28/07/2026 ")


def test_a_notice_names_what_it_is_about() -> None:
    post = Post()
    watch = operator(post, operator="op@x.example", language="en")
    looks(watch, range(100), webhook("desk"))
    looks(watch, range(100, 200), *map(webhook, ("desk", "a", "b", "c", "d")))
    looks(watch, range(200, 600))
    assert [(title, about) for title, _, about in post.sent] == [
        ("Alerts: webhook failure (desk)", ["webhook:desk"]),
        ("Alerts: webhook failure (a, b, c, 1 more)", [f"webhook:{one}" for one in "abcd"]),
        (
            "Alerts: webhook failure (desk, a, b, 2 more): well again",
            [f"webhook:{one}" for one in ("desk", *"abcd")],
        ),
    ]
    lines = post.sent[1][1]
    assert lines[0].startswith("a: Since 2026-07-28 ")
    assert lines[1] == "The program says: webhook a: HTTP 503"
    assert len(lines) == 8


def test_what_several_have_in_common_is_said_once() -> None:
    post = Post()
    watch = operator(post, operator="op@x.example", language="en")
    down = Reason("feed", "feed: no answer from the terminal", True, ("WIN$N M5", "WDO$N M5"))
    looks(watch, range(100), down)
    ((title, lines, _),) = post.sent
    assert title == "Alerts: the feed of bars fails (WIN$N M5, WDO$N M5)"
    assert [line.partition(" Since")[0] for line in lines] == [
        "WIN$N M5, WDO$N M5:", "The program says: feed: no answer from the terminal",
    ]  # fmt: skip


def test_notices_speak_the_language_of_the_mails() -> None:
    post = Post()
    watch = operator(post, operator="op@x.example", language="en")
    looks(watch, range(100), STALE)
    ((title, lines, _),) = post.sent
    assert title == "Alerts: the feed of bars fails"
    assert lines[0].startswith("Since 2026-07-28 ")


def test_without_an_operator_nobody_is_mailed() -> None:
    post = Post()
    watch = operator(post, recipients=("mesa@x.example",))
    looks(watch, range(100), STALE)
    looks(watch, range(100, 500))
    assert post.sent == []


def anchors_of(path: Path, *, arrives: bool) -> list[str]:
    """Run for a while, with a mail server or without; return the anchors handed to the mailer."""
    post = Post()
    with Store.open(str(path)) as store:
        desk: Any = Operator(store, post, Email(operator="op@x.example"))  # type: ignore[arg-type]
        for _ in range(3):
            desk.look([])
        if arrives:
            for *_, delivered in post.sent:
                delivered()
    return [lines[0] for _, lines, *_ in post.sent]


def test_an_anchor_that_no_server_took_is_mailed_again_after_a_restart(tmp_path: Path) -> None:
    """The day counted as mailed once its anchor waited in memory: a restart lost it."""
    path = tmp_path / "alerts.db"
    Store.open(str(path)).close({"reason": "end"})
    assert len(anchors_of(path, arrives=False)) == 1
    assert len(anchors_of(path, arrives=True)) == 1
    assert anchors_of(path, arrives=True) == []


def test_an_anchor_that_arrives_when_the_store_has_failed_is_no_error(tmp_path: Path) -> None:
    post = Post()
    store = Store.open(str(tmp_path / "alerts.db"))
    desk: Any = Operator(store, post, Email(operator="op@x.example"))  # type: ignore[arg-type]
    desk.look([])
    store.close()
    ((*_, delivered),) = post.sent
    delivered()


@pytest.mark.parametrize("language", MAIL_WORDS)
def test_every_kind_of_trouble_has_a_title(language: str) -> None:
    words: Any = MAIL_WORDS
    assert {f"trouble_{kind}" for kind in KINDS} - {"trouble_websocket"} <= words[language].keys()
