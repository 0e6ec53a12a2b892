"""Rates, places, condensed audit entries, log lines and metrics: what bounds a stranger's reach."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from runners.live.telemetry.logs import JsonLines, redact
from runners.live.telemetry.metrics import Metrics
from runners.live.websocket.limits import (
    FailureLimiter,
    RejectionLog,
    Roster,
    Strangers,
    TokenBucket,
    VisitLog,
)
from runners.live.websocket.strict_json import load_object


class TestLimits:
    @given(
        st.floats(0.5, 50),
        st.floats(1, 50),
        st.lists(st.floats(0, 2, allow_subnormal=False), max_size=200),
    )
    def test_a_bucket_never_gives_more_than_rate_and_burst(
        self, rate: float, burst: float, waits: list[float]
    ) -> None:
        bucket, now, taken = TokenBucket(rate, burst, 0.0), 0.0, 0
        for wait in waits:
            now += wait
            taken += bucket.take(now)
            assert taken <= burst + rate * now + 1e-6

    def test_failures_per_address(self) -> None:
        limiter = FailureLimiter(5)
        assert [limiter.fail("192.0.2.1", 0.0) for _ in range(7)] == [True] * 5 + [False] * 2
        assert limiter.is_blocked("192.0.2.1", 0.1)
        assert not limiter.is_blocked("192.0.2.2", 0.1)
        assert limiter.fail("192.0.2.2", 0.0)
        assert not limiter.is_blocked("192.0.2.1", 0.21)

    def test_an_ipv6_subscriber_is_one_address(self) -> None:
        limiter = FailureLimiter(5)
        assert sum(limiter.fail(f"2001:db8::{i:x}", 0.0) for i in range(50)) == 5
        assert limiter.fail("2001:db8:0:1::1", 0.0)

    def test_the_table_of_addresses_is_bounded(self) -> None:
        limiter = FailureLimiter(5)
        for number in range(10_000):
            limiter.fail(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}", 0.0)
        assert len(limiter._rates._buckets) == 4_096

    def test_who_makes_room_is_the_first_of_the_most(self) -> None:
        strangers: Strangers[str] = Strangers()
        assert strangers.oldest() is None
        for one, address in [("a", "10.0.0.1"), ("b", "10.0.0.2"), ("c", "10.0.0.2")]:
            strangers.add(one, address)
        assert strangers.oldest() == "b"
        strangers.add("b", "10.0.0.1")  # seen through a proxy since
        assert strangers.oldest() == "a"
        strangers.remove("a")
        strangers.remove("a")
        assert (len(strangers), strangers.oldest()) == (2, "b")

    def test_roster(self) -> None:
        roster = Roster(max_connections=3, max_per_name=2)
        assert roster.sign("a")
        roster.enter()
        assert roster.sign("a")
        roster.enter()
        assert not roster.sign("a")
        assert not roster.is_full
        roster.enter()
        assert roster.is_full
        roster.leave("a")
        assert not roster.is_full
        assert roster.sign("a")

    def test_rejections_are_condensed(self) -> None:
        log = RejectionLog(window=300)
        first = log.note("wrong_credentials", "192.0.2.1", 0.0)
        assert first is not None
        assert first.data() == {
            "reason": "wrong_credentials",
            "count": 1,
            "address": "192.0.2.1",
            "addresses": 1,
        }
        for number in range(1_000):
            assert log.note("wrong_credentials", f"192.0.2.{number % 3}", 1.0) is None
        assert log.due(299.0) == []
        (report,) = log.due(300.0)
        assert (report.times, report.addresses) == (1_000, 3)
        assert log.due(600.0) == []
        assert log.note("wrong_credentials", "192.0.2.1", 601.0) is not None

    @given(st.lists(st.tuples(st.floats(0, 60), st.integers(0, 3)), max_size=300))
    def test_no_rejection_is_lost_and_few_are_written(
        self, knocks: list[tuple[float, int]]
    ) -> None:
        log, now, written = RejectionLog(window=300), 0.0, []
        for wait, reason in knocks:
            now += wait
            report = log.note(f"reason{reason}", "192.0.2.1", now)
            written += [report] if report else []
            written += log.due(now)
        written += log.flush(now)
        assert sum(report.times for report in written) == len(knocks)
        assert len(written) <= 4 * (2 + now / 300)

    def test_a_client_that_reconnects_in_a_loop_is_audited_sparsely(self) -> None:
        log = VisitLog(rate=0.1, burst=3)
        noted = [log.note("a", 0.001 * visit) for visit in range(1_000)]
        assert noted[:4] == [0, 0, 0, None]
        assert sum(note is not None for note in noted) == 3
        assert log.note("a", 11.0) == 997


class TestText:
    @pytest.mark.parametrize(
        "text",
        [
            "[]",
            "7",
            "",
            "{",
            '{"a":1,"a":2}',
            '{"a":NaN}',
            '{"a":-Infinity}',
            '{"a":1e999}',
            '{"a":"\\ud800"}',
            '{"a":' * 1_500 + "1" + "}" * 1_500,
            '{"a":' + "9" * 5_000 + "}",
        ],
    )
    def test_json_that_is_refused(self, text: str) -> None:
        assert load_object(text) is None

    def test_json_that_is_not(self) -> None:
        assert load_object('{"a":"\\ud83d\\ude00","b":[1,2.5,null]}') == {
            "a": "😀",
            "b": [1, 2.5, None],
        }

    @pytest.mark.parametrize(
        "text",
        [
            "Authorization: Bearer hunter2",
            "authorization=Basic hunter2",
            "Sec-WebSocket-Protocol: alertas.v1, bearer.hunter2",
            "GET /alertas?token=hunter2&since=1",
            '{"type":"auth","token":"hunter2"}',
            "{'token': 'hunter2'}",
            "WEBSOCKET_TOKEN=hunter2",
            "password: hunter2",
        ],
    )
    def test_secrets_do_not_reach_the_log(self, text: str) -> None:
        assert "hunter2" not in redact(text)
        record = logging.makeLogRecord({"msg": "%s", "args": (text,), "detail": text})
        line = JsonLines().format(record)
        assert "hunter2" not in line
        assert set(json.loads(line)) == {"ts", "level", "logger", "message", "detail"}

    def test_ordinary_words_are_left_alone(self) -> None:
        assert redact("token expired, 4401") == "token expired, 4401"

    def test_an_exception_is_one_line(self) -> None:
        try:
            raise ValueError("bad\nthing")
        except ValueError as error:
            record = logging.makeLogRecord(
                {"msg": "failed", "exc_info": (type(error), error, None)}
            )
        line = JsonLines().format(record)
        assert "\n" not in line
        assert json.loads(line)["error"] == "ValueError: bad\nthing"


class TestMetrics:
    def test_text_format(self) -> None:
        metrics = Metrics()
        metrics.declare("alertas_x_total", "counter", "Things.", reason=("full", "new"))
        metrics.declare("alertas_y", "gauge", "Level.")
        metrics.declare_histogram("alertas_z_seconds", "Time.", (0.1, 1.0))
        metrics.add("alertas_x_total", reason="full")
        metrics.add("alertas_x_total", 2, reason="closing")
        for value in (0.05, 0.1, 0.5, 7.0):
            metrics.observe("alertas_z_seconds", value)
        assert metrics.render() == (
            "# HELP alertas_x_total Things.\n"
            "# TYPE alertas_x_total counter\n"
            'alertas_x_total{reason="closing"} 2\n'
            'alertas_x_total{reason="full"} 1\n'
            'alertas_x_total{reason="new"} 0\n'
            "# HELP alertas_y Level.\n"
            "# TYPE alertas_y gauge\n"
            "alertas_y 0\n"
            "# HELP alertas_z_seconds Time.\n"
            "# TYPE alertas_z_seconds histogram\n"
            'alertas_z_seconds_bucket{le="0.1"} 2\n'
            'alertas_z_seconds_bucket{le="1"} 3\n'
            'alertas_z_seconds_bucket{le="+Inf"} 4\n'
            "alertas_z_seconds_sum 7.65\n"
            "alertas_z_seconds_count 4\n"
        )

    @pytest.mark.parametrize(("name", "kind"), [("alertas_x", "counter"), ("a_total", "gauge")])
    def test_a_name_says_what_it_is(self, name: str, kind: Any) -> None:
        with pytest.raises(ValueError, match="`_total` ends the names of counters"):
            Metrics().declare(name, kind, "Things.")

    @pytest.mark.parametrize("text", ['x"} 1\nevil 1', "", "a b", "exaustão_de_alta", "\\"])
    def test_any_label_is_counted_and_read_back_as_it_was(self, text: str) -> None:
        metrics = Metrics()
        metrics.declare("alertas_x_total", "counter", "Things.", reason=())
        metrics.add("alertas_x_total", reason=text)
        (family,) = text_string_to_metric_families(metrics.render())
        assert [sample.labels for sample in family.samples] == [{"reason": text}]
