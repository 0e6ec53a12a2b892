"""The live runner's decisions, without a daemon around them."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

import alertlib as al
from alertlib.detection.bar import Bar
from alertlib.detection.intake import MAX_ERRORS, NOTHING, Core, Outcome
from alertlib.detection.memory import REMEMBERED_BARS
from alertlib.detection.staleness import (
    AHEAD_SECONDS,
    bars_missing,
    is_market_open,
    is_open_within,
    seconds_expecting_ticks,
)
from alertlib.errors import DataError
from alertlib.market.instruments import find_instrument
from tests.support.walk import MONDAY, walk

CONFIG = al.load_config(None, {"policy.cooldown_bars": 0, "policy.rate_limit_per_minute": 0})


def core(**options: Any) -> Core:
    return Core(options.pop("config", CONFIG), "WIN$N", "M5", **options)


def outcomes(machine: Core, given_bars: list[Bar]) -> list[Outcome]:
    return [machine.take(bar) for bar in given_bars]


def ids(found: list[Outcome]) -> list[str]:
    return [alert.id for outcome in found for alert in outcome.alerts]


SERIES = walk(600)
WHOLE = outcomes(core(), SERIES)


def test_it_gives_what_the_stream_gives() -> None:
    stream = al.Stream(CONFIG, symbol="WIN$N", timeframe="M5")
    decisions = [stream.decide(bar) for bar in SERIES]
    assert ids(WHOLE)
    assert [o.alerts for o in WHOLE] == [d.alerts for d in decisions]
    assert [o.suppressed for o in WHOLE] == [d.suppressed for d in decisions]


@given(st.lists(st.integers(0, len(SERIES)), max_size=5))
def test_restarts_anywhere_change_nothing(places: list[int]) -> None:
    machine, found = core(), []
    for place, bar in enumerate(SERIES):
        for _ in range(places.count(place)):
            snapshot = machine.snapshot()
            machine = core()
            machine.restore(snapshot)
            assert machine.snapshot() == snapshot
        found.append(machine.take(bar))
    assert found == WHOLE


@given(st.lists(st.integers(1, REMEMBERED_BARS + 5), max_size=30))
def test_bars_that_come_again_change_nothing(steps_back: list[int]) -> None:
    machine, found = core(), []
    for place, bar in enumerate(SERIES):
        found.append(machine.take(bar))
        if place % 20 == 19 and steps_back:
            back = steps_back[place // 20 % len(steps_back)]
            for again in SERIES[max(0, place - back) : place + 1]:
                assert machine.take(again) is NOTHING
    assert found == WHOLE


def test_history_warms_up_in_silence() -> None:
    machine = core()
    for bar in SERIES[:300]:
        machine.warm_up(bar)
    assert outcomes(machine, SERIES[:300]) == [NOTHING] * 300
    assert outcomes(machine, SERIES[300:]) == WHOLE[300:]


def test_bars_dealt_with_in_an_earlier_run_give_no_alerts_again() -> None:
    machine = core()
    machine.warm_up_until(SERIES[299].time)
    found = outcomes(machine, SERIES)
    assert found[:300] == [NOTHING] * 300
    assert found[300:] == WHOLE[300:]


@pytest.mark.parametrize(("seconds", "late"), [(0, False), (33, False), (34, True), (9_999, True)])
def test_late_is_told_from_the_clock_that_comes_with_the_bar(seconds: int, late: bool) -> None:
    closed = SERIES[0].time + timedelta(minutes=5)
    assert core().take(SERIES[0], closed + timedelta(seconds=seconds)).late is late


class TestRevisions:
    def test_a_revision_names_the_alerts_of_its_bar_and_counts(self) -> None:
        machine = core()
        place = next(i for i, outcome in enumerate(WHOLE) if outcome.alerts)
        outcomes(machine, SERIES[: place + 1])
        before = SERIES[place]
        after = before._replace(high=before.high + 5)
        first = machine.take(after).revision
        assert first is not None
        assert (first.number, first.alerts) == (1, tuple(a.id for a in WHOLE[place].alerts))
        assert first.changes() == {"high": [before.high, after.high]}
        assert machine.take(after) is NOTHING
        second = machine.take(before).revision
        assert second is not None
        assert second.number == 2

    def test_a_revision_survives_a_restart_and_changes_no_later_alert(self) -> None:
        machine = core()
        outcomes(machine, SERIES[:100])
        again = core()
        again.restore(machine.snapshot())
        changed = SERIES[99]._replace(low=SERIES[99].low - 50)
        assert again.take(changed).revision is not None
        assert outcomes(again, SERIES[100:]) == WHOLE[100:]

    @pytest.mark.parametrize("price", [0.0, float("nan"), 100_001.0, -5.0])
    def test_a_revision_that_is_no_bar_is_refused_once(self, price: float) -> None:
        machine = core()
        outcomes(machine, SERIES[:100])
        bad = SERIES[99]._replace(low=price)
        refused = machine.take(bad)
        assert refused.revision is None
        assert refused.refused is not None
        assert machine.take(bad) is NOTHING
        assert machine.take(SERIES[99]) is NOTHING
        assert outcomes(machine, SERIES[100:]) == WHOLE[100:]

    def test_a_refused_bar_that_is_mended_is_a_revision_fit_for_json(self) -> None:
        machine = core()
        bad = SERIES[50]._replace(close=float("nan"), high=float("inf"))
        outcomes(machine, [*SERIES[:50], bad])
        again = core()
        again.restore(machine.snapshot())
        revision = again.take(SERIES[50]).revision
        assert revision is not None
        assert json.dumps(revision.changes(), allow_nan=False)
        assert revision.changes()["close"] == [None, SERIES[50].close]

    def test_bars_run_again_know_their_revisions_and_alerts(self) -> None:
        """Numbers began again after a change of settings, and the second correction was lost."""
        place = next(i for i, outcome in enumerate(WHOLE) if outcome.alerts)
        before = core()
        outcomes(before, SERIES[: place + 1])
        changed = SERIES[place]._replace(high=SERIES[place].high + 5)
        assert before.take(changed).revision is not None
        after = core(config=CONFIG.set("detection.volatility.window", 30))
        with pytest.raises(DataError, match="replay the bars"):
            after.restore(before.snapshot())
        after.warm_up_until(SERIES[place].time)
        assert outcomes(after, [*SERIES[:place], changed]) == [NOTHING] * (place + 1)
        again = after.take(changed._replace(high=changed.high + 5)).revision
        assert again is not None
        assert (again.number, again.alerts) == (2, tuple(a.id for a in WHOLE[place].alerts))

    def test_a_revision_while_bars_are_run_again_shows(self) -> None:
        before = core()
        outcomes(before, SERIES[:100])
        after = core(config=CONFIG.set("detection.volatility.window", 30))
        with pytest.raises(DataError):
            after.restore(before.snapshot())
        after.warm_up_until(SERIES[99].time)
        found = outcomes(after, [*SERIES[:99], SERIES[99]._replace(high=900_000.0)])
        assert [o.revision for o in found[:99]] == [None] * 99
        assert found[99].revision is not None

    def test_volumes_come_late_and_are_no_revision(self) -> None:
        machine = core()
        machine.take(SERIES[0])
        assert machine.take(SERIES[0]._replace(tick_volume=9)) is NOTHING


class TestFaultyBars:
    @pytest.mark.parametrize(
        "change", [{"close": float("nan")}, {"high": 1.0}, {"low": -5.0}, {"open": 100_001.0}]
    )
    def test_it_is_refused_once_and_the_rest_goes_on(self, change: dict[str, float]) -> None:
        machine = core()
        bad = SERIES[50]._replace(**change)  # type: ignore[arg-type]  # names by parameter
        found = outcomes(machine, SERIES[:50])
        refused = machine.take(bad)
        assert refused.refused is not None
        assert "got open, high, low, close" in refused.refused.reason
        assert refused.refused.time == bad.time
        assert machine.take(bad) is NOTHING
        without = outcomes(core(), SERIES[:50] + SERIES[51:])
        assert found + outcomes(machine, SERIES[51:]) == without

    def test_one_among_bars_that_are_run_again_changes_nothing(self) -> None:
        """A refused bar in history and a changed setting ended every start."""
        machine = core()
        machine.warm_up_until(SERIES[99].time)
        bad = SERIES[50]._replace(close=float("nan"))
        assert outcomes(machine, [*SERIES[:50], bad, *SERIES[51:100]]) == [NOTHING] * 100
        without = outcomes(core(), SERIES[:50] + SERIES[51:])
        assert outcomes(machine, SERIES[100:]) == without[99:]

    def test_a_hole_in_a_session_is_a_gap_and_a_night_is_none(self) -> None:
        machine = core()
        outcomes(machine, SERIES[:10])
        gap = machine.take(SERIES[13]).gap
        assert gap is not None
        assert gap == (SERIES[9].time, SERIES[13].time, 3)
        assert all(outcome.gap is None for outcome in WHOLE)


class TestBarsAheadOfTheClock:
    """A terminal three hours ahead for a while silenced the daemon until its bars were reached."""

    def at(self, place: int) -> datetime:
        return SERIES[place].time + timedelta(minutes=5)

    def test_they_are_refused_once_each_and_silence_nothing(self) -> None:
        machine = core()
        found = [machine.take(bar, self.at(i)) for i, bar in enumerate(SERIES[:40])]
        for place in range(40, 44):
            ahead = SERIES[place]._replace(time=SERIES[place].time + timedelta(hours=3))
            first = machine.take(ahead, self.at(place))
            assert first.refused is not None
            assert first.refused.time == ahead.time
            assert "the exchange's clock" in first.refused.reason
            assert machine.take(ahead, self.at(place)) is NOTHING
            assert machine.last == SERIES[39].time
        found += [machine.take(bar, self.at(44)) for bar in SERIES[40:44]]
        found += [machine.take(bar, self.at(44 + i)) for i, bar in enumerate(SERIES[44:])]
        assert [o._replace(late=False) for o in found] == WHOLE

    def test_what_was_ahead_is_not_taken_when_the_clock_reaches_it(self) -> None:
        machine = core()
        machine.take(SERIES[0], self.at(0))
        ahead = SERIES[1]._replace(time=SERIES[30].time)
        machine.take(ahead, self.at(1))
        assert machine.take(ahead, self.at(30)) is NOTHING
        assert machine.last == SERIES[0].time

    def test_they_are_refused_in_history_too(self) -> None:
        machine = core()
        assert machine.warm_up(SERIES[20], self.at(10)).refused is not None
        assert machine.warm_up(SERIES[10], self.at(10)) is NOTHING
        assert machine.last == SERIES[10].time

    def test_a_clock_that_is_some_seconds_off_refuses_nothing(self) -> None:
        off = timedelta(seconds=AHEAD_SECONDS)
        assert core().take(SERIES[0], self.at(0) - off).refused is None
        later = core().take(SERIES[0], self.at(0) - off - timedelta(seconds=1))
        assert later.refused is not None


class TestSnapshots:
    def test_one_of_another_configuration_is_refused(self) -> None:
        other = core(config=CONFIG.set("detection.volatility.window", 30))
        with pytest.raises(DataError, match="another configuration"):
            core().restore(other.snapshot())

    @pytest.mark.parametrize("snapshot", [b"", b"{}", b"[]", b"\xff", b'{"taken": [[1]]}'])
    def test_garbage_is_refused(self, snapshot: bytes) -> None:
        with pytest.raises(DataError, match="cannot be read"):
            core().restore(snapshot)


class P(NamedTuple):
    """No parameters."""


class S(NamedTuple):
    """Bars seen."""

    seen: int = 0


@al.detector("tests_brittle", patterns=("brittle_up", "brittle_down"), params=P(), state=S())
def brittle(state: Any, ring: Any, bar: Any, p: Any) -> tuple[int, Any]:
    """Raise from the hundredth bar on."""
    if state.seen >= 100:
        raise ZeroDivisionError("brittle")
    return 0, S(state.seen + 1)


def test_a_detector_that_raises_is_disabled_and_the_others_go_on() -> None:
    config = CONFIG.set(
        "detection.enabled", [*CONFIG.detection.enabled, "tests.detection.test_intake:brittle"]
    )
    told: list[tuple[str, str, bool]] = []
    machine = core(config=config, on_error=lambda n, e, d: told.append((n, str(e), d)))
    found = outcomes(machine, SERIES)
    assert ids(found) == ids(WHOLE)
    name = told[0][0]
    assert [disabled for _, _, disabled in told] == [False] * (MAX_ERRORS - 1) + [True]
    assert machine.disabled == [name]


# --- models and filters -------------------------------------------------------------------


class Learned(NamedTuple):
    """A body, in ticks."""

    body_ticks: float = 0.0


@al.detector(
    "tests_learned", patterns=("learned_up", "learned_down"), params=Learned(), state=S(),
    fit=al.Fit(lambda *_: Learned(10.0), max_age_days=3),
)  # fmt: skip
def learned(state: Any, ring: Any, bar: Any, p: Any) -> tuple[int, Any]:
    body = bar.close - bar.open
    return (1 if body > p.body_ticks else -1 if body < -p.body_ticks else 0), state


WITH_LEARNED = CONFIG.set(
    "detection.enabled", [*CONFIG.detection.enabled, "tests.detection.test_intake:learned"]
)


def model(last: datetime) -> dict[str, al.Model]:
    return {"tests_learned": al.Model("tests_learned", Learned(10.0), last.date(), last.date(), "")}


def test_a_detector_without_a_model_is_off_and_the_others_go_on() -> None:
    machine = core(config=WITH_LEARNED)

    assert ids(outcomes(machine, SERIES)) == ids(WHOLE)
    assert machine.off == {"tests_learned": "it has not been fitted"}


def test_a_model_that_is_too_old_turns_its_detector_off_that_day() -> None:
    machine = core(config=WITH_LEARNED, models=model(MONDAY))
    days: dict[str, bool] = {}
    for bar in SERIES:
        found = machine.take(bar)
        day = bar.time.date().isoformat()
        days.setdefault(day, False)
        days[day] |= any(a.pattern.startswith("learned") for a in found.alerts)

    # Monday's model holds for three days more; after the weekend it is a week old.
    assert list(days.values()) == [True, True, True, True, *[False] * (len(days) - 4)]
    assert machine.off == {
        "tests_learned": "its model ended 2024-03-04, which is too long ago"
    }  # fmt: skip


def downs(alert: al.Alert, bars: Any) -> bool:
    return alert.direction < 0


def breaks(alert: al.Alert, bars: Any) -> bool:
    raise LookupError("no weights")


def test_a_filter_named_in_the_configuration_decides_live() -> None:
    config = CONFIG.set("detection.accept", "tests.detection.test_intake:downs")

    found = outcomes(core(config=config), SERIES)

    expected = [a.id for o in WHOLE for a in o.alerts if a.direction < 0]
    assert ids(found) == expected
    assert {s.reason for o in found for s in o.suppressed} >= {"accept"}


def test_a_filter_survives_a_restart() -> None:
    config = CONFIG.set("detection.accept", "tests.detection.test_intake:downs")
    machine, second = core(config=config), core(config=config)
    for bar in SERIES[:300]:
        machine.take(bar)
    second.restore(machine.snapshot())
    seen = ids([second.take(bar) for bar in SERIES[300:]])

    assert seen == ids([machine.take(bar) for bar in SERIES[300:]])
    assert second.snapshot() == machine.snapshot()


def test_a_filter_that_raises_silences_nothing() -> None:
    told: list[tuple[str, str, bool]] = []
    config = CONFIG.set("detection.accept", "tests.detection.test_intake:breaks")
    machine = core(config=config, on_error=lambda n, e, d: told.append((n, str(e), d)))

    assert ids(outcomes(machine, SERIES)) == ids(WHOLE)
    assert told == [("accept", "no weights", True)]
    assert machine.disabled == ["accept"]


class TestMissingBars:
    WIN = find_instrument("WIN$N", "M5")

    @pytest.mark.parametrize(
        ("last", "now", "missing"),
        [
            ("2024-03-01 18:20", "2024-03-04 03:00", 0),  # night
            ("2024-03-01 18:20", "2024-03-02 12:00", 0),  # Saturday
            ("2024-03-01 18:20", "2024-03-04 09:00", 0),
            ("2024-03-01 18:20", "2024-03-04 09:05", 0),  # within the grace
            ("2024-03-01 18:20", "2024-03-04 09:05:04", 1),
            ("2024-03-01 18:20", "2024-03-04 09:20:04", 4),
            ("2024-03-04 10:00", "2024-03-04 10:10:02", 0),
            ("2024-03-04 10:00", "2024-03-04 10:20:04", 3),
            ("2024-03-04 18:20", "2024-03-04 18:24", 0),
            ("2024-03-04 18:20", "2024-03-04 18:30", 0),
            (None, "2024-03-04 10:00:04", 12),
            ("2024-02-09 18:20", "2024-02-12 12:00", 0),  # Carnival
            ("2024-02-09 18:20", "2024-02-14 12:00", 0),  # Ash Wednesday opens at 13:00
            ("2024-02-09 18:20", "2024-02-14 13:20:04", 4),
        ],
    )
    def test_only_a_session_misses_bars(self, last: str | None, now: str, missing: int) -> None:
        opened = None if last is None else datetime.fromisoformat(last)
        assert bars_missing(self.WIN, opened, datetime.fromisoformat(now), 3.0) == missing

    @pytest.mark.parametrize(
        ("last", "now", "missing"),
        [
            ("2024-03-01 16:00", "2024-03-04 11:00", 0),  # the first bar, of 08:00, ends at 12:00
            ("2024-03-01 16:00", "2024-03-04 12:00:04", 1),
            ("2024-03-04 08:00", "2024-03-04 12:00:04", 0),
            ("2024-03-04 08:00", "2024-03-04 16:00:04", 1),
        ],
    )
    def test_a_long_bar_begins_before_the_session(self, last: str, now: str, missing: int) -> None:
        long = find_instrument("WIN$N", "H4")
        opened, time = datetime.fromisoformat(last), datetime.fromisoformat(now)
        assert bars_missing(long, opened, time, 3.0) == missing

    @given(
        st.datetimes(datetime(2024, 1, 1), datetime(2024, 12, 31)),
        st.integers(0, 3_000),
        st.floats(0.0, 100.0),
    )
    def test_it_is_never_negative_and_never_more_than_a_session(
        self, now: datetime, minutes: int, grace: float
    ) -> None:
        last = now - timedelta(minutes=minutes)
        assert 0 <= bars_missing(self.WIN, last, now, grace) <= 113

    @pytest.mark.parametrize(
        ("now", "missing"), [("2024-03-04 10:15:10", 0), ("2024-03-04 10:18:10", 3)]
    )
    def test_an_opening_call_brings_no_bars(self, now: str, missing: int) -> None:
        share = find_instrument("PETR4", "M1")
        assert bars_missing(share, None, datetime.fromisoformat(now), 3.0) == missing

    def test_a_symbol_nobody_knows_the_hours_of_misses_nothing(self) -> None:
        unknown = find_instrument("EURUSD", "M5")
        assert bars_missing(unknown, None, datetime(2024, 3, 4, 12), 3.0) == 0
        assert is_market_open(unknown, datetime(2024, 3, 4, 12)) is None

    @pytest.mark.parametrize(
        ("now", "is_open"),
        [
            ("2024-03-04 08:59:59", False),
            ("2024-03-04 09:00", True),
            ("2024-03-04 18:24:59", True),
            ("2024-03-04 18:25", False),
            ("2024-03-02 12:00", False),  # Saturday
            ("2024-02-12 12:00", False),  # Carnival
            ("2024-02-14 12:59", False),  # Ash Wednesday
            ("2024-02-14 13:00", True),
        ],
    )
    def test_hours_of_the_market(self, now: str, is_open: bool) -> None:
        assert is_market_open(self.WIN, datetime.fromisoformat(now)) == is_open

    @pytest.mark.parametrize(
        ("now", "seconds"),
        [
            ("2024-03-04 08:59", 0.0),
            ("2024-03-04 09:09:59", 0.0),  # the first trade may take so long
            ("2024-03-04 09:12", 120.0),
            ("2024-03-04 18:24", 0.0),  # the closing call
            ("2024-03-02 12:00", 0.0),  # Saturday
            ("2024-02-12 12:00", 0.0),  # Carnival
        ],
    )
    def test_ticks_are_expected_in_an_open_session(self, now: str, seconds: float) -> None:
        for timeframe in ("M1", "H1"):
            win = find_instrument("WIN$N", timeframe)
            assert seconds_expecting_ticks(win, datetime.fromisoformat(now)) == seconds

    @pytest.mark.parametrize(
        ("now", "is_open"),
        [("08:44", False), ("08:46", True), ("12:00", True), ("18:24", True), ("18:26", False)],
    )
    def test_a_session_is_open_from_a_while_before(self, now: str, is_open: bool) -> None:
        time, lead = datetime.fromisoformat(f"2024-03-04 {now}"), timedelta(minutes=15)
        assert is_open_within(self.WIN, time, lead) is is_open
        assert is_open_within(find_instrument("EURUSD", "M5"), time, lead)
