"""What messages mean, and when a client is closed and why: decided without a loop."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runners.live.websocket.auth import Identity
from runners.live.websocket.protocol import (
    Ack,
    Action,
    Auth,
    Envelope,
    Invalid,
    Plan,
    Resume,
    parse,
    plan,
    resume_from_query,
)
from runners.live.websocket.session import MAX_RUNS, Close, Phase, Ping, Session

ANA = Identity("ana")


def live_session(identity: Identity = ANA, now: float = 0.0, rate: float = 10.0) -> Session:
    session = Session(identity, None, rate, now)
    session.start(0, recovered=False)
    session.go_live(now)
    return session


class TestMessages:
    @pytest.mark.parametrize(
        ("text", "meaning"),
        [
            ('{"type":"auth","token":"T"}', Auth("T")),
            ('{"type":"resume","epoch":"E","since":7}', Resume("E", 7)),
            ('{"type":"resume","epoch":"E","since":0}', Resume("E", 0)),
            ('{"type":"resume","epoch":"E","since":-1}', Resume("E", None)),
            ('{"type":"resume","epoch":"E","since":7.0}', Resume("E", None)),
            ('{"type":"resume","epoch":"E","since":true}', Resume("E", None)),
            ('{"type":"resume","epoch":"E","since":"7"}', Resume("E", None)),
            ('{"type":"resume","epoch":"E","since":1' + "0" * 30 + "}", Resume("E", None)),
            ('{"type":"resume","epoch":5,"since":7}', Resume("", 7)),
            ('{"type":"resume"}', Resume("", None)),
            ('{"type":"ack","seq":3}', Ack(3)),
            (
                '{"type":"action","id":"ab","action":"executed","note":"à vista"}',
                Action("ab", "executed", "à vista"),
            ),
            ('{"type":"action","id":"ab","action":"ignored"}', Action("ab", "ignored", "")),
            (
                '{"type":"action","id":"ab","action":"ignored","note":null}',
                Action("ab", "ignored", ""),
            ),
            (b"\x00", Invalid("binary")),
            ("", Invalid("not_json")),
            ("[1]", Invalid("not_json")),
            ('{"type":"ack","seq":1,"seq":2}', Invalid("not_json")),
            (
                '{"type":"action","id":"a","action":"executed","note":"\\ud800"}',
                Invalid("not_json"),
            ),
            ("{}", Invalid("unknown_type")),
            ('{"type":"subscribe"}', Invalid("unknown_type")),
            ('{"type":["ack"]}', Invalid("unknown_type")),
            ('{"type":"auth"}', Invalid("bad_auth")),
            ('{"type":"ack"}', Invalid("bad_ack")),
            ('{"type":"ack","seq":0}', Invalid("bad_ack")),
            ('{"type":"ack","seq":-3}', Invalid("bad_ack")),
            ('{"type":"ack","seq":1.5}', Invalid("bad_ack")),
            ('{"type":"action","id":"","action":"executed"}', Invalid("bad_action")),
            ('{"type":"action","id":"a b","action":"executed"}', Invalid("bad_action")),
            ('{"type":"action","id":"a","action":"bought"}', Invalid("bad_action")),
            ('{"type":"action","id":"a","action":["executed"]}', Invalid("bad_action")),
            ('{"type":"action","id":"a","action":"executed","note":7}', Invalid("bad_action")),
            (
                json.dumps({"type": "action", "id": "a", "action": "executed", "note": "x" * 501}),
                Invalid("bad_action"),
            ),
        ],
    )
    def test_meaning(self, text: str | bytes, meaning: Any) -> None:
        assert parse(text) == meaning

    @given(st.text(max_size=200) | st.binary(max_size=200))
    def test_any_text_means_something(self, text: str | bytes) -> None:
        assert isinstance(parse(text), Invalid)

    @given(
        st.dictionaries(
            st.sampled_from(["type", "token", "epoch", "since", "seq", "id", "action", "note"]),
            st.sampled_from(["auth", "resume", "ack", "action", "executed", "x" * 600])
            | st.none()
            | st.booleans()
            | st.integers()
            | st.floats()
            | st.lists(st.integers(), max_size=2),
        )
    )
    def test_any_object_means_something(self, fields: dict[str, Any]) -> None:
        assert parse(json.dumps(fields)) is not None

    @pytest.mark.parametrize(
        ("query", "resume"),
        [
            ({}, None),
            ({"epoch": ["E"], "since": ["5"]}, Resume("E", 5)),
            ({"epoch": ["E"]}, Resume("", None)),
            ({"since": ["5"]}, Resume("", None)),
            ({"epoch": ["E"], "since": [""]}, Resume("", None)),
            ({"epoch": ["E"], "since": ["-1"]}, Resume("", None)),
            ({"epoch": ["E"], "since": ["1e3"]}, Resume("", None)),
            ({"epoch": ["E"], "since": ["١"]}, Resume("", None)),
            ({"epoch": ["E"], "since": ["5", "6"]}, Resume("", None)),
            ({"epoch": ["E", "F"], "since": ["5"]}, Resume("", None)),
            ({"epoch": ["E"], "since": ["9" * 19]}, Resume("E", None)),
            ({"epoch": ["E"], "since": ["9" * 5_000]}, Resume("", None)),
        ],
    )
    def test_query(self, query: dict[str, list[str]], resume: Resume | None) -> None:
        assert resume_from_query(query) == resume

    @pytest.mark.parametrize(
        ("resume", "oldest", "head", "decided"),
        [
            (None, 1, 9, Plan(False, 9)),
            (Resume("E", 9), 1, 9, Plan(True, 9)),
            (Resume("E", 4), 1, 9, Plan(True, 4)),
            (Resume("E", 0), 1, 9, Plan(True, 0)),
            (Resume("E", 4), 5, 9, Plan(True, 4)),
            (Resume("E", 3), 5, 9, Plan(False, 4)),
            (Resume("E", 10), 1, 9, Plan(False, 0)),
            (Resume("F", 4), 3, 9, Plan(False, 2)),
            (Resume("E", None), 1, 9, Plan(False, 0)),
            (Resume("E", 0), 1, 0, Plan(True, 0)),
            (Resume("F", 5), 10, 9, Plan(False, 9)),
            (Resume("E", 9), 10, 9, Plan(True, 9)),
        ],
    )
    def test_plan(self, resume: Resume | None, oldest: int, head: int, decided: Plan) -> None:
        assert plan(resume, "E", oldest, head) == decided

    def test_the_alert_is_wrapped_byte_for_byte(self) -> None:
        payload = '{"b": 1.50,  "a":"é\\u00e9"}'.encode()
        frame = Envelope('q"e').frames([(7, "alert", payload)], 0.5)
        assert frame[:1] == b"\x81"
        assert frame[2:] == (
            b'{"type":"alert","epoch":"q\\"e","seq":7,"sent_at":"1970-01-01T00:00:00.500000Z",'
            b'"alert":' + payload + b"}"
        )

    def test_a_correction_is_never_taken_for_an_alert(self) -> None:
        frame = Envelope("E").frames([(8, "correction", b'{"id":"a"}')], 0.0)
        message = json.loads(frame[2:])
        assert message["type"] == "correction"
        assert message["correction"] == {"id": "a"}
        assert "alert" not in message


class TestPending:
    def test_only_auth_is_understood(self) -> None:
        session = Session(None, None, 10, 0.0)
        assert session.receive('{"type":"auth","token":"T"}', 1.0) == Auth("T")

    @pytest.mark.parametrize("text", ["", "T", '{"type":"resume"}', '{"type":"auth"}', b"T"])
    def test_anything_else_is_wrong(self, text: str | bytes) -> None:
        session = Session(None, None, 10, 0.0)
        assert session.receive(text, 1.0) == Close(4401, "wrong first message")

    def test_five_seconds(self) -> None:
        session = Session(None, None, 10, 100.0)
        assert session.tick(104.99, 0.0, 0) is None
        assert session.tick(105.0, 0.0, 0) == Close(4401, "no credentials in time")


class TestLive:
    def test_acknowledgements_are_cumulative_and_never_from_the_future(self) -> None:
        session = live_session()
        session.advance(5)
        assert session.receive('{"type":"ack","seq":3}', 1.0) == Ack(3)
        assert session.receive('{"type":"ack","seq":2}', 1.0) is None
        assert session.receive('{"type":"ack","seq":6}', 1.0) == Invalid("bad_ack")
        assert session.receive('{"type":"ack","seq":5}', 1.0) == Ack(5)

    def test_what_was_had_before_a_resume_may_be_acknowledged(self) -> None:
        session = Session(ANA, None, 10, 0.0)
        session.start(40, recovered=True)
        assert session.receive('{"type":"ack","seq":41}', 0.0) == Invalid("bad_ack")
        assert session.receive('{"type":"ack","seq":40}', 0.0) == Ack(40)

    def test_what_was_had_elsewhere_is_not_delivered_here(self) -> None:
        session = Session(ANA, None, 10, 0.0)
        session.start(40, recovered=True)
        assert session.receive('{"type":"ack","seq":40}', 0.0) == Ack(40)
        assert session.delivered(40) == []
        session.advance(45)
        assert session.delivered(43) == [(41, 43)]
        assert session.delivered(45) == [(44, 45)]

    @given(
        st.lists(st.tuples(st.sampled_from(["start", "send", "ack"]), st.integers(0, 30))),
        st.integers(1, 8),
    )
    def test_delivered_is_what_was_sent_and_acknowledged_and_nothing_else(
        self, steps: list[tuple[str, int]], size: int
    ) -> None:
        session = Session(ANA, None, 10, 0.0)
        session.start(10, recovered=False)
        sent: set[int] = set()
        told: set[int] = set()
        resumed = 0
        for what, number in steps:
            if what == "start":
                session.start(number, recovered=True)
                resumed += 1
            elif what == "send":
                sent |= set(range(session.sent + 1, session.sent + size + 1))
                session.advance(session.sent + size)
            else:
                runs = session.delivered(number)
                found = {seq for first, last in runs for seq in range(first, last + 1)}
                assert found <= {seq for seq in sent if seq <= number}
                told |= found
                if resumed < MAX_RUNS:
                    assert told >= {seq for seq in sent if seq <= number}

    def test_acknowledging_every_message_of_a_long_replay_is_no_flood(self) -> None:
        session = live_session()
        session.advance(5_000)
        for seq in range(1, 5_001):
            assert session.receive(f'{{"type":"ack","seq":{seq}}}', 0.0) == Ack(seq)

    def test_acknowledging_anew_after_a_second_resume_is_no_flood(self) -> None:
        session = live_session()
        for _ in range(3):
            session.start(0, recovered=True)
            for seq in range(1, 201):
                session.advance(seq)
                reply = session.receive(f'{{"type":"ack","seq":{seq}}}', 0.0)
                assert not isinstance(reply, Close)

    def test_a_flood_closes_and_nonsense_alone_does_not(self) -> None:
        session = live_session(rate=10)
        replies = [session.receive("nonsense", 0.001 * i) for i in range(31)]
        assert replies == [Invalid("not_json")] * 30 + [Close(1008, "too many messages")]
        slow = live_session(rate=10)
        assert all(isinstance(slow.receive("nonsense", 0.1 * i), Invalid) for i in range(1_000))

    def test_control_frames_count_too(self) -> None:
        session = live_session(rate=10)
        assert [session.receive_control(0.0) for _ in range(30)] == [None] * 30
        assert session.receive_control(0.0) == Close(1008, "too many frames")

    def test_nothing_is_said_twice_to_one_that_is_closing(self) -> None:
        session = live_session()
        session.phase = Phase.CLOSING
        assert session.receive("x", 0.0) is None
        assert session.receive_control(0.0) is None
        assert session.tick(1e9, 1e12, 10) is None

    def test_a_token_expires(self) -> None:
        session = live_session(Identity("ana", expires=1_000.0))
        assert session.tick(1.0, 999.99, 0) is None
        assert session.tick(1.0, 1_000.0, 0) == Close(4401, "token expired")

    def test_ping_and_silence(self) -> None:
        session = live_session()
        assert session.tick(4.9, 0, 0) is None
        assert session.tick(5.0, 0, 0) == Ping()
        session.heard = 5.1
        session.receive_pong(5.1)
        assert session.round_trip == pytest.approx(0.1)
        assert session.tick(10.0, 0, 0) == Ping()
        assert session.tick(14.9, 0, 0) is None
        assert session.tick(15.0, 0, 0) == Close(1013, "does not answer pings")

    def test_a_stalled_reader(self) -> None:
        session = live_session()
        session.stalled_since = 3.0
        assert session.tick(7.9, 0, 0) is None
        assert session.tick(8.0, 0, 0) == Close(1013, "does not read")

    def test_lag_closes_only_those_who_have_acknowledged(self) -> None:
        silent, acking = live_session(), live_session()
        for session in (silent, acking):
            session.advance(10)
        acking.receive('{"type":"ack","seq":4}', 1.0)
        for session in (silent, acking):
            session.heard = session._ping_at = 1e9
        assert silent.tick(1_000.0, 0, due=10) is None
        assert acking.tick(1_000.0, 0, due=4) is None
        assert acking.tick(1_000.0, 0, due=5) == Close(1013, "does not acknowledge")

    def test_lag_does_not_count_during_a_replay_nor_just_after(self) -> None:
        session = live_session()
        session.advance(10)
        session.receive('{"type":"ack","seq":4}', 1.0)
        session.start(4, recovered=True)
        session.heard = session._ping_at = 1e9
        session.advance(10)
        assert session.tick(1_000.0, 0, due=10) is None
        session.go_live(1_000.0)
        assert session.tick(1_059.0, 0, due=10) is None
        assert session.tick(1_060.0, 0, due=10) == Close(1013, "does not acknowledge")
