"""What the operator hears of, and how often: a clock that is only a number."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertlib.config.schema import Email
from runners.live.gauges import KINDS
from runners.live.health import Reason
from runners.live.mail.words import MAIL_WORDS
from runners.live.operator_notices import LASTING_SECONDS, OVER_SECONDS, PER_HOUR, Operator, Watch

STALE = Reason("feed", "feed: WIN$N M5 is stale", True)
SLOW = Reason("websocket", "websocket: a client answers after 3.0 s", False)
BROKEN = Reason("email", "e-mail: connect: refused", False)


class Desk:
    """A watch looked at once a second."""

    def __init__(self) -> None:
        self.told: list[tuple[float, str, bool]] = []
        self.now = 0.0
        self.watch = Watch(lambda trouble, over: self.told.append((self.now, trouble.kind, over)))

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
    ((title, lines, kind),) = post.sent
    assert (title, kind) == ("Alertas: falha no canal de e-mail: normalizado", "email")
    assert lines[1] == "O programa diz: e-mail: connect: refused"
    assert lines[0].startswith("De 28/07/2026 ")


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


@pytest.mark.parametrize("language", MAIL_WORDS)
def test_every_kind_of_trouble_has_a_title(language: str) -> None:
    words: Any = MAIL_WORDS
    assert {f"trouble_{kind}" for kind in KINDS} - {"trouble_websocket"} <= words[language].keys()
