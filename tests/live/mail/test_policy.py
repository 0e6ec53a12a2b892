"""The mail channel's decisions: retries, expiry, digests and the circuit breaker, without I/O."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from runners.live.alert_store.records import MessageType, OutboxRow, Stored
from runners.live.delivery import channel, policy
from runners.live.delivery.channel import (
    LOGIN,
    LOST_LIMIT,
    QUOTA,
    Channel,
    Pause,
    Result,
    Verdict,
    after_result,
    allowance,
)
from runners.live.delivery.policy import (
    DIGEST_MEMBERS,
    MAX_ATTEMPTS,
    RETRY_CAP,
    Gathering,
    Letter,
    Plan,
    digest_letter,
    expires_at,
    message_id,
    plan,
    retry_delay,
    settle,
    single,
)
from tests.support.store_data import payload

SENDER = "alertas@corretora.example"
NOW = 1_000_000.0
TTL = 1_800.0
WELL = Channel()

chances = st.floats(0.0, 1.0, exclude_max=True)
results = st.sampled_from(
    [
        Result(Verdict.delivered, "data", "OK", 250),
        Result(Verdict.refused, "rcpt", "550 no such user", 550),
        Result(Verdict.deferred, "mail", "451 later", 451),
        Result(Verdict.lost, "data", "no reply within 3 s"),
        Result(Verdict.lost, "connect", "connection refused"),
        Result(Verdict.channel, "starttls", "454 no", 454),
        Result(Verdict.channel, "auth", "535 no", 535, LOGIN),
        Result(Verdict.channel, "rcpt", "550 5.4.5 spent", 550, QUOTA),
    ]
)


def row(
    number: int,
    recipient: str = "mesa@corretora.example",
    *,
    due: float = NOW,
    expires: float = NOW + TTL,
    type_: MessageType = "alert",
    attempts: int = 0,
    digest: str | None = None,
) -> OutboxRow:
    body = json.dumps(payload(number)).encode()
    name = message_id(f"{number}", recipient, SENDER)
    return OutboxRow(
        number, recipient, name, due, expires, attempts, digest, Stored(number, type_, body)
    )


def planned(
    rows: list[OutboxRow],
    channel: Channel = WELL,
    above: int = 50,
    gathering: dict[str, Gathering] | None = None,
) -> Plan:
    return plan(rows, channel, above, NOW, sender=SENDER, gathering=gathering or {})


def settled(letter: Letter, result: Result, channel: Channel | None = None) -> Any:
    after = after_result(Channel(), result, 0.0) if channel is None else channel
    return settle(letter, result, after, NOW, 0.5)


class TestRetries:
    def test_the_first_comes_soon_and_later_ones_ever_later(self) -> None:
        assert (retry_delay(1, 0.0), retry_delay(1, 0.5)) == (0.2, 0.5)
        most = [retry_delay(n, 1.0) for n in range(1, 9)]
        assert most == [0.8, 2.0, 8.0, 32.0, 128.0, 300.0, 300.0, 300.0]

    @given(st.integers(1, 10_000), chances)
    def test_no_delay_leaves_its_bounds(self, failures: int, chance: float) -> None:
        assert 0.0 <= retry_delay(failures, chance) <= RETRY_CAP
        if failures == 1:
            assert 0.2 <= retry_delay(failures, chance) <= 0.8

    def test_a_temporary_reply_is_tried_again(self) -> None:
        ending = settled(single(row(1)), Result(Verdict.deferred, "rcpt", "450 busy", 450))
        assert (ending.outcome, ending.retry_at) == ("failed", NOW + 0.5)
        assert ending.data == {"stage": "rcpt", "code": 450, "outcome": "deferred"}

    def test_a_permanent_reply_ends_it(self) -> None:
        ending = settled(single(row(1)), Result(Verdict.refused, "rcpt", "550 unknown", 550))
        assert (ending.outcome, ending.reason) == ("dead", "550 unknown")

    def test_a_reply_lost_after_the_message_is_unknown_not_failed(self) -> None:
        ending = settled(single(row(1)), Result(Verdict.lost, "data", "connection reset"))
        assert (ending.outcome, ending.data["outcome"]) == ("failed", "unknown")
        ending = settled(single(row(1)), Result(Verdict.lost, "mail", "connection reset"))
        assert ending.data["outcome"] == "lost"

    def test_no_retry_is_put_off_beyond_the_end(self) -> None:
        old = single(row(1, expires=NOW + 0.1, attempts=9))
        ending = settled(old, Result(Verdict.deferred, "rcpt", "450 busy", 450))
        assert ending.retry_at == NOW + 0.1

    def test_a_broken_channel_does_not_punish_the_letter(self) -> None:
        ending = settled(single(row(1)), Result(Verdict.channel, "auth", "535 no", 535))
        assert (ending.outcome, ending.retry_at) == ("failed", NOW)

    def test_only_250_is_delivered(self) -> None:
        assert settled(single(row(1)), Result(Verdict.delivered, "data", "ok", 250)).outcome == (
            "delivered"
        )

    def test_even_a_digest_is_given_up_in_the_end(self) -> None:
        digest = digest_letter([row(1, digest="<d@x>", attempts=MAX_ATTEMPTS - 1)])
        assert settled(digest, Result(Verdict.deferred, "rcpt", "450 busy", 450)).outcome == "dead"

    @given(results, st.integers(0, MAX_ATTEMPTS), chances, st.floats(-10.0, TTL))
    def test_every_end_is_one_of_three_and_no_retry_lies_in_the_past(
        self, result: Result, attempts: int, chance: float, left: float
    ) -> None:
        letter = single(row(1, attempts=attempts, expires=NOW + left))
        channel = after_result(Channel(), result, 0.0)
        ending = settle(letter, result, channel, NOW, chance)
        assert (ending.outcome == "delivered") == (result.verdict is Verdict.delivered)
        assert NOW <= ending.retry_at <= NOW + RETRY_CAP
        if ending.outcome == "failed":
            assert ending.retry_at <= max(NOW, letter.expires)

    def test_a_letter_that_may_have_arrived_goes_behind_those_not_tried_yet(self) -> None:
        """A server that answers too late after the dot got one letter for ever."""
        rows = {n: row(n, due=NOW - 10.0 + n) for n in range(8)}
        rows |= {8: row(8, due=NOW - 99.0, digest="<d@x>")}
        late, channel, now = Result(Verdict.lost, "data", "no reply within 60 s"), Channel(), NOW
        tried = []
        for _ in range(18):
            due = [r for r in rows.values() if r.due <= now]
            letter = plan(due, channel, 50, now, sender=SENDER, gathering={}).letters[0]
            tried.append(letter.rows[0].id)
            channel = after_result(channel, late, now)
            ending = settle(letter, late, channel, now, 0.5)
            old = rows[tried[-1]]
            rows[old.id] = old._replace(due=ending.retry_at, attempts=old.attempts + 1)
            now += 60.0
            channel = after_result(channel, Result(Verdict.answered, "noop", ""), now)
        assert sorted(tried[:9]) == sorted(tried[9:]) == list(range(9))


class TestExpiry:
    def test_it_counts_from_the_commit(self) -> None:
        assert expires_at(payload(1), NOW, TTL) == NOW + TTL

    def test_a_late_alert_counts_from_the_close_of_its_bar(self) -> None:
        closed = 1785244200.0  # 2026-07-28T10:10-03:00
        late = payload(1, late=True)
        assert expires_at(late, closed + 600.0, TTL) == closed + TTL
        assert expires_at(late, closed - 1.0, TTL) == closed - 1.0 + TTL

    def test_an_expired_alert_is_told_in_a_digest_only(self) -> None:
        made = planned([row(1, expires=NOW), row(2)])
        assert [r.id for r in made.expired] == [1]
        assert [letter.kind for letter in made.letters] == ["alert", "digest"]
        assert [r.id for r in made.letters[1].rows] == [1]
        assert made.joins == {made.letters[1].message_id: [row(1, expires=NOW)]}

    def test_alerts_expire_while_the_channel_is_broken(self) -> None:
        broken = Channel("auth: 535", 0, 1, 5.0)
        assert len(planned([row(1, expires=NOW - 1.0)], broken).expired) == 1


class TestDigest:
    def test_a_backlog_above_the_limit_goes_out_as_one(self) -> None:
        assert len(planned([row(n) for n in range(3)], above=3).letters) == 3
        (letter,) = planned([row(n) for n in range(4)], above=3).letters
        assert (letter.kind, len(letter.rows)) == ("digest", 4)

    def test_each_recipient_has_a_backlog_of_their_own(self) -> None:
        rows = [row(n, f"{n % 2}@x.example") for n in range(6)]
        assert {letter.kind for letter in planned(rows, above=3).letters} == {"alert"}
        letters = planned(rows, above=2).letters
        assert [(letter.kind, len(letter.rows)) for letter in letters] == [("digest", 3)] * 2
        assert {letter.recipient for letter in letters} == {"0@x.example", "1@x.example"}

    def test_none_is_made_of_a_backlog_while_nothing_can_leave(self) -> None:
        rows = [row(n) for n in range(9)]
        assert planned(rows, Channel("auth: 535", 0, 1, 5.0), above=3).joins == {}

    def test_later_copies_join_until_it_is_full(self) -> None:
        first = planned([row(n) for n in range(4)], above=3)
        (open_,) = first.gathering.values()
        again = planned([row(n) for n in range(10, 14)], above=3, gathering=first.gathering)
        assert list(again.joins) == [open_.message_id]
        full = {"mesa@corretora.example": open_._replace(size=DIGEST_MEMBERS)}
        third = planned([row(n) for n in range(20, 24)], above=3, gathering=full)
        assert open_.message_id not in third.joins

    def test_it_survives_a_restart_under_its_own_name(self) -> None:
        members = [row(n, digest="<d@x>", attempts=n) for n in (1, 2)]
        (letter,) = planned(members).letters
        assert (letter.kind, letter.message_id, letter.attempts) == ("digest", "<d@x>", 1)

    @given(
        st.lists(
            st.tuples(st.sampled_from("abc"), st.floats(-5.0, 5.0), st.none() | st.just("<d@x>")),
            max_size=60,
        ),
        st.integers(1, 20),
        st.booleans(),
    )
    @settings(max_examples=100)
    def test_every_copy_is_in_exactly_one_letter(
        self, copies: list[tuple[str, float, str | None]], above: int, is_open: bool
    ) -> None:
        rows = [
            row(n, f"{who}@x.example", expires=NOW + left, digest=digest and f"<{who}@d>")
            for n, (who, left, digest) in enumerate(copies)
        ]
        made = planned(rows, Channel("x", 0, 1, 5.0) if is_open else Channel(), above)
        told = [r.id for letter in made.letters for r in letter.rows]
        assert sorted(told) == list(range(len(rows)))
        for letter in made.letters:
            assert {r.recipient for r in letter.rows} == {letter.recipient}
            assert letter.kind == "digest" or letter.rows[0].expires > NOW
        joined = [r.id for members in made.joins.values() for r in members]
        assert {r.id for r in made.expired} <= set(joined)
        alone = [letter for letter in made.letters if letter.kind != "digest"]
        if not is_open:
            for who in "abc":
                assert sum(x.recipient == f"{who}@x.example" for x in alone) <= above


class TestChannel:
    def test_it_is_looked_at_again_after_1_2_4_8_15_seconds(self) -> None:
        failure = Result(Verdict.channel, "ehlo", "550 no", 550)
        channel, now, waits = Channel(), 100.0, []
        for _ in range(6):
            channel = after_result(channel, failure, now)
            assert channel.retry_at is not None
            waits.append(channel.retry_at - now)
            now = channel.retry_at
        assert waits == [1.0, 2.0, 4.0, 8.0, 15.0, 15.0]
        assert channel.reason == "ehlo: 550 no"

    def test_letters_under_way_when_it_breaks_do_not_lengthen_the_wait(self) -> None:
        failure = Result(Verdict.channel, "auth", "535 no", 535)
        broken = after_result(Channel(), failure, 100.0)
        assert after_result(broken, failure, 100.5) == broken

    def test_one_lost_conversation_is_a_blip_three_are_a_broken_channel(self) -> None:
        lost = Result(Verdict.lost, "mail", "no reply within 3 s")
        channel = Channel()
        for n in range(LOST_LIMIT):
            assert (channel.is_open, channel.lost) == (False, n)
            channel = after_result(channel, lost, 0.0)
        assert channel.is_open

    def test_one_letter_goes_first_once_it_answers_again(self) -> None:
        channel = after_result(Channel(), Result(Verdict.channel, "ehlo", "no"), 0.0)
        assert allowance(channel, 3) == 0
        channel = after_result(channel, Result(Verdict.answered, "noop", "TLSv1.3"), 1.0)
        assert (allowance(channel, 3), channel.reason) == (1, "")
        hung = after_result(channel, Result(Verdict.lost, "data", "no reply"), 2.0)
        assert hung.retry_at == 4.0, "the step is kept until a letter gets a reply"
        well = after_result(channel, Result(Verdict.delivered, "data", "ok", 250), 2.0)
        assert (well, allowance(well, 3)) == (Channel(), 3)

    @pytest.mark.parametrize(
        ("pause", "waits"),
        [(QUOTA, [60.0, 120.0, 240.0, 480.0, 900.0, 900.0]), (LOGIN, [900.0, 900.0])],
    )
    def test_a_spent_quota_and_a_refused_login_are_left_alone_for_minutes(
        self, pause: Pause, waits: list[float]
    ) -> None:
        failure = Result(Verdict.channel, "mail", "no", 550, pause)
        channel, now = Channel(), 0.0
        for wait in waits:
            channel = after_result(channel, failure, now)
            assert channel.retry_at == now + wait
            now += wait
            channel = after_result(channel, Result(Verdict.answered, "noop", ""), now)
            assert allowance(channel, 3) == 1, "the next refusal has to cost one letter only"

    def test_what_a_letter_under_way_learns_can_lengthen_a_pause_but_not_shorten_it(self) -> None:
        brief = Result(Verdict.channel, "connect", "refused")
        login = Result(Verdict.channel, "auth", "535 no", 535, LOGIN)
        first = after_result(Channel(), brief, 100.0)
        longer = after_result(first, login, 100.5)
        assert longer.retry_at == 1_000.5
        assert after_result(longer, brief, 101.0).retry_at == 1_000.5

    @pytest.mark.parametrize(
        ("result", "is_ours"),
        [
            (Result(Verdict.refused, "rcpt", "550 5.1.1 unknown user", 550), False),
            (Result(Verdict.deferred, "rcpt", "450 4.2.0 greylisted", 450), False),
            (Result(Verdict.refused, "data", "554 5.6.0 not this", 554), False),
            (Result(Verdict.refused, "mail", "550 5.7.1 who are you", 550), True),
            (Result(Verdict.deferred, "mail", "451 4.3.0 later", 451), True),
            (Result(Verdict.deferred, "data", "452 4.3.1 no room", 452), True),
        ],
    )
    def test_a_refusal_holds_nothing_back_and_a_recipients_is_no_trouble_of_the_channel(
        self, result: Result, is_ours: bool
    ) -> None:
        channel = after_result(Channel(), result, 0.0)
        assert channel.reason == (f"{result.stage}: {result.reason}" if is_ours else "")
        assert allowance(channel, 3) == 3
        # A server that merely answers has not taken a letter.
        assert after_result(channel, Result(Verdict.answered, "noop", ""), 1.0) == channel

    @given(st.lists(st.tuples(results, st.floats(0.0, 100.0)), max_size=30))
    def test_the_wait_never_exceeds_its_cap_and_a_delivery_ends_all_trouble(
        self, story: list[tuple[Result, float]]
    ) -> None:
        channel, now = Channel(), 0.0
        for result, passed in story:
            now += passed
            channel = after_result(channel, result, now)
            if channel.retry_at is not None:
                assert channel.retry_at <= now + LOGIN.cap
                assert channel.reason
            if result.verdict is Verdict.delivered:
                assert channel == Channel()


class TestMessageId:
    @given(st.text(max_size=80), st.emails(), st.emails())
    def test_it_is_short_and_the_same_for_every_copy(
        self, key: str, recipient: str, other: str
    ) -> None:
        name = message_id(key, recipient, SENDER)
        assert name == message_id(key, recipient, SENDER)
        assert name.isascii()
        assert name.endswith("@corretora.example>")
        assert len(name) < 78
        assert (name == message_id(key, other, SENDER)) == (recipient == other)


class Desk(RuleBasedStateMachine):
    """An outbox in memory, a server of any mood, and the policy between them.

    Whatever happens, every copy is delivered, dead-lettered, or still owed; none is sent again
    after its end, and none is sent as new after it expired.
    """

    def __init__(self) -> None:
        super().__init__()
        self.now = NOW
        self.number = 0
        self.rows: dict[int, OutboxRow] = {}
        self.ended: dict[int, str] = {}
        self.expired: set[int] = set()
        self.channel = Channel()
        self.gathering: dict[str, Gathering] = {}

    @initialize(above=st.integers(1, 5))
    def choose(self, above: int) -> None:
        self.above = above

    @rule(count=st.integers(1, 8), who=st.sampled_from("ab"))
    def commit(self, count: int, who: str) -> None:
        for _ in range(count):
            self.number += 1
            self.rows[self.number] = row(
                self.number, f"{who}@x.example", due=self.now, expires=self.now + TTL
            )

    @rule(seconds=st.sampled_from([0.1, 1.0, 20.0, TTL]))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @rule()
    def restart(self) -> None:
        self.channel, self.gathering = Channel(), {}

    @rule()
    def look(self) -> None:
        if self.channel.is_open:
            self.channel = after_result(
                self.channel, Result(Verdict.answered, "noop", ""), self.now
            )

    @rule(result=results, chance=chances)
    def send(self, result: Result, chance: float) -> None:
        due = [r for r in self.rows.values() if r.due <= self.now]
        made = plan(
            due, self.channel, self.above, self.now, sender=SENDER, gathering=self.gathering
        )
        self.gathering = made.gathering
        for r in made.expired:
            assert r.id not in self.expired, "expired twice"
            self.expired.add(r.id)
        for name, members in made.joins.items():
            for r in members:
                self.rows[r.id] = r._replace(digest=name)
        for letter in made.letters[: allowance(self.channel, 3)]:
            self.attempt(letter, result, chance)

    def attempt(self, letter: Letter, result: Result, chance: float) -> None:
        if letter.kind == "digest":
            self.gathering.pop(letter.recipient, None)
            letter = digest_letter([r for r in self.rows.values() if r.digest == letter.message_id])
        else:
            assert letter.expires > self.now, "sent as new after its time"
        assert not {r.id for r in letter.rows} & self.ended.keys(), "sent after its end"
        self.channel = after_result(self.channel, result, self.now)
        ending = settle(letter, result, self.channel, self.now, chance)
        for r in letter.rows:
            if ending.outcome == "failed":
                old = self.rows[r.id]
                self.rows[r.id] = old._replace(due=ending.retry_at, attempts=old.attempts + 1)
            else:
                del self.rows[r.id]
                self.ended[r.id] = ending.outcome

    @invariant()
    def none_is_forgotten(self) -> None:
        assert len(self.rows) + len(self.ended) == self.number
        assert not self.rows.keys() & self.ended.keys()

    def teardown(self) -> None:
        """A server that takes everything empties the outbox."""
        self.channel = Channel()
        for _ in range(2_000):
            if not self.rows:
                break
            self.now += RETRY_CAP
            self.send(Result(Verdict.delivered, "data", "ok", 250), 0.5)
        assert not self.rows


Desk.TestCase.settings = settings(max_examples=40, stateful_step_count=30)
TestDesk = Desk.TestCase


def test_the_core_has_no_clock_socket_or_chance_of_its_own() -> None:

    for module in (policy, channel):
        assert not {"time", "socket", "asyncio", "random", "datetime"} & vars(module).keys()
    with pytest.raises(TypeError):
        settle(single(row(1)), Result(Verdict.lost, "mail", ""), Channel())  # type: ignore[call-arg]  # no default clock
