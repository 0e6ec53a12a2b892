"""Which alerts catch which moves, and which sessions and alerts count at all."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertlib.bars.series import Series
from alertlib.config.schema import Scoring
from alertlib.scoring import matching
from alertlib.scoring.labels import Opportunities
from alertlib.scoring.matching import (
    FALSE_POSITIVE,
    REDUNDANT,
    TRUE_POSITIVE,
    find_candidates,
    find_validity,
    first_alerts,
    match,
    move_left,
    reachable,
)
from alertlib.scoring.scored_sessions import choose_scope, is_censored
from tests import naive_score
from tests.naive import NaiveAlert, NaiveBar
from tests.naive_score import Leg
from tests.support.synthetic import SMALL, Row, series_of, session, walk, weekdays

NAMES = {TRUE_POSITIVE: "tp", FALSE_POSITIVE: "fp", REDUNDANT: "redundant"}


def flat_days(*lengths: int) -> list[Row]:
    """Sessions of so many bars, every open at 100 points (20 ticks)."""
    rows: list[Row] = []
    for n, length in enumerate(lengths):
        rows += session([(100.0, 105.0, 95.0, 100.0)] * length, date(2021, 4, 5 + n))
    return rows


def moves_of(*legs: tuple[int, int, int, int, int]) -> Opportunities:
    columns = np.array(legs, dtype=np.int64).reshape(-1, 5).T
    return Opportunities(*columns)


def outcomes(
    series: Series, moves: Opportunities, alerts: list[tuple[int, int]], least: float = 0.0
) -> list[str]:
    bar, direction = np.array(alerts, dtype=np.int64).reshape(-1, 2).T
    found = match(find_validity(series, moves, 2, least), bar, direction)
    return [NAMES[int(o)] for o in found.outcome]


# Twenty flat bars; one move up from bar 8 (15 ticks) to bar 14 (25 ticks). The entry is at 20.
ONE_MOVE = moves_of((8, 14, 1, 15, 25))


@pytest.mark.parametrize(
    ("bar", "direction", "expected"),
    [
        (5, 1, "fp"),  # three bars before the onset: too early
        (6, 1, "tp"),  # two bars before: the earliest that counts
        (8, 1, "tp"),
        (13, 1, "tp"),  # filled at bar 14, the move's last
        (14, 1, "fp"),  # filled at bar 15: over
        (8, -1, "fp"),  # the other way
    ],
)
def test_the_span_in_which_an_alert_is_valid(bar: int, direction: int, expected: str) -> None:
    assert outcomes(series_of(flat_days(20), "TST"), ONE_MOVE, [(bar, direction)]) == [expected]


def test_an_alert_of_the_evening_is_not_valid_for_the_morning() -> None:
    """The move starts on the second day's first bar; two bars before it is yesterday."""
    series = series_of(flat_days(20, 20), "TST")
    moves = moves_of((20, 26, 1, 15, 25))

    assert outcomes(series, moves, [(18, 1), (19, 1)]) == ["fp", "fp"]
    assert outcomes(series, moves, [(20, 1)]) == ["tp"]


def test_an_alert_on_a_sessions_last_bar_is_valid_for_nothing() -> None:
    series = series_of(flat_days(20, 20), "TST")
    moves = moves_of((12, 19, 1, 15, 25))

    assert outcomes(series, moves, [(18, 1)]) == ["tp"]
    assert outcomes(series, moves, [(19, 1)]) == ["fp"]


@pytest.mark.parametrize(("least", "expected"), [(0.0, "tp"), (0.5, "tp"), (0.501, "fp")])
def test_enough_of_the_move_has_to_be_left(least: float, expected: str) -> None:
    """Entry at 20 of a move 15 -> 25: half is left."""
    series = series_of(flat_days(20), "TST")

    assert outcomes(series, ONE_MOVE, [(10, 1)], least) == [expected]


def test_an_entry_beyond_the_end_of_the_move_is_worth_nothing() -> None:
    series = series_of(flat_days(20), "TST")

    assert outcomes(series, moves_of((8, 14, 1, 15, 19)), [(10, 1)]) == ["fp"]
    assert outcomes(series, moves_of((8, 14, 1, 15, 20)), [(10, 1)]) == ["tp"]  # nothing left is 0
    assert outcomes(series, moves_of((8, 14, -1, 25, 21)), [(10, -1)]) == ["fp"]


def test_a_move_of_no_size_cannot_be_caught() -> None:
    series = series_of(flat_days(20), "TST")
    still = moves_of((8, 14, 1, 20, 20))

    assert outcomes(series, still, [(10, 1)]) == ["fp"]
    assert np.isnan(move_left(series, still, np.array([0]), np.array([10]))).all()


def test_the_share_of_the_move_left_by_hand() -> None:
    series = series_of(flat_days(20), "TST")
    moves = moves_of((8, 14, 1, 15, 25), (2, 6, -1, 30, 16), (8, 14, 1, 22, 32))

    left = move_left(series, moves, np.array([0, 1, 2]), np.array([10, 3, 10]))

    # (25 - 20) / 10; (20 - 16) / 14; an entry below the start leaves more than all: 12 / 10.
    assert left.tolist() == [0.5, 4 / 14, 1.2]


def test_later_alerts_of_a_caught_move_are_redundant() -> None:
    series = series_of(flat_days(20), "TST")

    assert outcomes(series, ONE_MOVE, [(5, 1), (8, 1), (9, 1), (10, -1), (13, 1), (14, 1)]) == [
        "fp", "tp", "redundant", "fp", "redundant", "fp",
    ]  # fmt: skip


def test_an_alert_valid_for_two_moves_captures_both_and_belongs_to_the_earlier() -> None:
    """The first move ends at bar 10, the next of its direction starts at 11: bar 9 is in both."""
    series = series_of(flat_days(20), "TST")
    moves = moves_of((4, 10, 1, 15, 25), (11, 16, 1, 15, 25))
    validity = find_validity(series, moves, 2, 0.0)

    both = match(validity, np.array([9, 12]), np.array([1, 1]))
    assert both.captured.tolist() == [True, True]
    assert both.captured_by.tolist() == [0, 0]
    assert both.outcome.tolist() == [TRUE_POSITIVE, REDUNDANT]
    assert both.opportunity.tolist() == [0, 1]

    # With the first caught already, it still catches the second, and belongs to that.
    later = match(validity, np.array([5, 9, 12]), np.array([1, 1, 1]))
    assert later.outcome.tolist() == [TRUE_POSITIVE, TRUE_POSITIVE, REDUNDANT]
    assert later.opportunity.tolist() == [0, 1, 1]
    assert later.captured_by.tolist() == [0, 1]


def test_no_alerts_and_no_moves_are_no_trouble() -> None:
    series = series_of(flat_days(20), "TST")

    nothing = match(find_validity(series, ONE_MOVE, 2, 0.0), np.zeros(0, int), np.zeros(0, int))
    assert nothing.captured.tolist() == [False]
    assert outcomes(series, moves_of(), [(3, 1), (4, -1)]) == ["fp", "fp"]


@pytest.mark.parametrize(
    ("legs", "most"), [((), 1), (((4, 10, 1, 15, 25),), 1), (((4, 10, 1, 15, 25),) * 2, 2)]
)
def test_the_table_is_as_deep_as_the_most_moves_one_alert_is_valid_for(
    legs: Sequence[tuple[int, int, int, int, int]], most: int
) -> None:
    validity = find_validity(series_of(flat_days(20), "TST"), moves_of(*legs), 2, 0.0)

    assert validity.table.shape == (2, 20 + 1, most)


def test_first_alerts_of_several_runs_are_kept_apart() -> None:
    found = np.array([[[0], [2], [0]], [[2], [1], [0]], [[2], [2], [2]]])  # 2: valid for none

    assert first_alerts(found, 2).tolist() == [[0, -1, -1], [2, 1, -1], [-1, -1, -1]]


@st.composite
def scenes(draw: st.DrawFn) -> tuple[Series, list[NaiveBar], list[Leg], list[tuple[int, int]]]:
    """A few short sessions, overlapping moves of any kind, alerts in order of delivery."""
    rows = walk(draw(st.integers(0, 10**6)), sessions=3, bars=20, size=3.0)
    series = series_of(rows, "TST")
    ticks = zip(
        *(getattr(series, n).tolist() for n in ("open", "high", "low", "close")), strict=True
    )
    bars = [NaiveBar(row[0], *prices) for row, prices in zip(rows, ticks, strict=True)]
    legs = []
    for _ in range(draw(st.integers(0, 8))):
        day = 20 * draw(st.integers(0, 2))
        p = draw(st.integers(0, 18))
        e = draw(st.integers(p + 1, 19))
        d = draw(st.sampled_from((1, -1)))
        a, b = bars[day + p], bars[day + e]
        prices = (a.low, b.high) if d == 1 else (a.high, b.low)
        legs.append(Leg(day + p, day + e, d, *prices))
    legs.sort(key=lambda leg: (leg.p, leg.e))
    alerts = draw(
        st.lists(st.tuples(st.integers(0, 59), st.sampled_from((1, -1))), unique=True, max_size=40)
    )
    return series, bars, legs, sorted(alerts, key=lambda a: (a[0], -a[1]))


@given(scenes(), st.sampled_from((0.0, 0.25, 0.5, 1.0)))
def test_matching_equals_its_naive_twin(
    scene: tuple[Series, list[NaiveBar], list[Leg], list[tuple[int, int]]], least: float
) -> None:
    series, bars, legs, alerts = scene
    twins = [NaiveAlert(t, d, "", [], 0, "", 0, 0, 0, 0, 0) for t, d in alerts]
    captured = naive_score.match(twins, legs, bars, least)

    moves = moves_of(*((x.p, x.e, x.direction, x.start, x.end) for x in legs))
    bar, direction = np.array(alerts, dtype=np.int64).reshape(-1, 2).T
    found = match(find_validity(series, moves, 2, least), bar, direction)

    assert [NAMES[int(o)] for o in found.outcome] == [a.outcome for a in twins]
    assert [int(o) if o >= 0 else None for o in found.opportunity] == [a.opportunity for a in twins]
    assert set(np.flatnonzero(found.captured).tolist()) == captured


@given(scenes(), st.integers(0, 4), st.sampled_from((0.0, 0.25, 0.5, 1.0)), st.integers(1, 3))
def test_alerts_and_blocks_of_moves_find_what_the_table_of_every_bar_holds(
    scene: tuple[Series, list[NaiveBar], list[Leg], list[tuple[int, int]]],
    early: int,
    least: float,
    block: int,
) -> None:
    series, _, legs, alerts = scene
    moves = moves_of(*((x.p, x.e, x.direction, x.start, x.end) for x in legs))
    bar, direction = np.array(alerts, dtype=np.int64).reshape(-1, 2).T
    validity = find_validity(series, moves, early, least)
    some = np.arange(len(series)) % 3 > 0

    alone = find_candidates(series, moves, early, bar, direction).match(least)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(matching, "BLOCK", block)
        within_reach = reachable(series, moves, early, least, some)

    whole = match(validity, bar, direction)
    assert alone.outcome.tolist() == whole.outcome.tolist()
    assert alone.opportunity.tolist() == whole.opportunity.tolist()
    assert alone.captured_by.tolist() == whole.captured_by.tolist()
    held = set(validity.table[:, :-1][:, some].ravel().tolist()) - {len(moves)}
    assert set(np.flatnonzero(within_reach).tolist()) == held


# --- which sessions are scored ------------------------------------------------------------


def scored(rows: list[Row], **settings: float) -> list[int]:
    series = series_of(rows, "TST")
    scoring = Scoring(**{"warmup_bars": 0} | settings)  # type: ignore[arg-type]  # names of numbers
    scope = choose_scope(series, scoring, moves_of(), 0)
    inside = {int(s) for s in series.session[scope.scored]}
    assert inside == set(scope.sessions.tolist())
    return scope.sessions.tolist()


def test_a_session_needs_four_fifths_of_its_bars() -> None:
    """The small session expects 20 bars: 16 are enough, 15 are not."""
    rows = flat_days(20, 16, 15, 20)

    assert scored(rows) == [0, 1, 3]
    assert choose_scope(series_of(rows, "TST"), Scoring(), moves_of(), 0).short.tolist() == [2]
    assert scored(rows, min_session_share=0.75) == [0, 1, 2, 3]


def test_a_session_needs_its_warmup_before_its_first_bar() -> None:
    """40 bars before the third session, whichever sessions they belong to."""
    rows = flat_days(20, 15, 20, 20)

    assert scored(rows, warmup_bars=20) == [2, 3]
    assert scored(rows, warmup_bars=35) == [2, 3]
    assert scored(rows, warmup_bars=36) == [3]


def test_a_session_a_detector_is_not_ready_for_is_left_out_beside_those_not_fit() -> None:
    series = series_of(flat_days(20, 15, 20, 20, 20), "TST")
    ready = np.array([True, True, True, False, True])

    scope = choose_scope(series, Scoring(warmup_bars=20), moves_of(), 0, ready=ready)

    assert scope.sessions.tolist() == [2, 4]


def test_the_last_sessions_fit_for_scoring_are_taken() -> None:
    rows = flat_days(20, 20, 20, 10, 20)

    assert scored(rows, sessions=2) == [2, 4]
    assert scored(rows, sessions=99) == [0, 1, 2, 4]


def many_days(count: int) -> Series:
    rows: list[Row] = []
    for day in weekdays(date(2021, 4, 5), count):
        rows += session([(100.0, 105.0, 95.0, 100.0)] * 20, day)
    return series_of(rows, "TST")


def one_move_on(*sessions: int) -> Opportunities:
    return moves_of(*((20 * s + 8, 20 * s + 14, 1, 15, 25) for s in sessions))


@pytest.mark.parametrize(
    ("moves", "enough", "first"),
    [
        (range(70), 60, 10),  # sixty sessions hold sixty
        (range(70), 0, 10),  # never fewer than sixty, however few would do
        (range(70), 61, 9),
        (range(70), 68, 2),
        (range(70), 71, 0),  # all there is, where that is not enough
        ((3, *range(20, 70)), 51, 3),  # back to the session that has the last one needed
        ((), 1, 0),
    ],
)
def test_without_a_number_sixty_sessions_and_further_back_until_there_are_enough_moves(
    moves: Sequence[int], enough: int, first: int
) -> None:
    series, scoring = many_days(70), Scoring(warmup_bars=0)

    scope = choose_scope(series, scoring, one_move_on(*moves), enough)

    assert scope.sessions.tolist() == list(range(first, 70))


def test_a_number_of_sessions_is_taken_as_it_is_however_few_moves_they_hold() -> None:
    scoring = Scoring(warmup_bars=0, sessions=5)

    scope = choose_scope(many_days(70), scoring, one_move_on(*range(70)), 100)

    assert scope.sessions.tolist() == list(range(65, 70))


def test_between_two_dates_every_fit_session_is_scored_both_ends_included() -> None:
    series, moves = many_days(70), one_move_on()
    span = (date(2021, 4, 6), date(2021, 7, 8))  # 66 sessions: more than sixty

    scope = choose_scope(series, Scoring(warmup_bars=0), moves, 100, span)
    assert scope.sessions.tolist() == list(range(1, 67))
    last = choose_scope(series, Scoring(warmup_bars=0, sessions=3), moves, 100, span)
    assert last.sessions.tolist() == [64, 65, 66]
    warm = choose_scope(series, Scoring(warmup_bars=41), moves, 100, span)
    assert warm.sessions.tolist() == list(range(3, 67))
    weekend = (date(2021, 4, 10), date(2021, 4, 11))
    assert choose_scope(series, Scoring(warmup_bars=0), moves, 0, weekend).sessions.tolist() == []


@given(st.integers(0, 400), st.integers(0, 5), st.integers(1, 380))
def test_a_part_of_a_file_scores_the_same_bars(start: int, skipped: int, horizon: int) -> None:
    """What coin-flip bars are run on: the same sessions, and the same alerts censored."""
    series = series_of(flat_days(*[20] * 4) + flat_days(20, 20, 20, 20, 13)[80:], "TST")
    whole = choose_scope(series, Scoring(warmup_bars=0, sessions=5 - skipped or 1), moves_of(), 0)
    start = min(start, int(series.first[whole.sessions[0]]))

    part = series.tail(start)
    scope = whole.part(series, start, len(series))

    assert (scope.scored == whole.scored[start:]).all()
    assert set(part.session[scope.scored].tolist()) == set(scope.sessions.tolist())
    bars = np.arange(len(series))
    inside = is_censored(scope, bars[: len(part)], horizon)
    assert (inside == is_censored(whole, bars, horizon)[start:]).all()


# --- censoring ----------------------------------------------------------------------------


def censored(rows: list[Row], horizon: int = 24) -> list[int]:
    series = series_of(rows, "TST")
    scope = choose_scope(series, Scoring(warmup_bars=0), moves_of(), 0)
    return np.flatnonzero(is_censored(scope, np.arange(len(series)), horizon)).tolist()


def test_nothing_is_censored_where_the_data_reach_the_end_of_the_session() -> None:
    assert censored(flat_days(20, 20)) == []
    # The last bar is there although another is missing.
    rows = flat_days(20, 20)
    del rows[30]
    assert censored(rows) == []


def test_alerts_whose_outcome_the_data_do_not_reach_are_censored() -> None:
    """38 bars, the data end within the second session: t + 24 passes bar 37 from bar 14 on."""
    assert censored(flat_days(20, 18)) == list(range(14, 38))
    assert censored(flat_days(20, 18), horizon=3) == [35, 36, 37]


def test_a_session_that_is_stated_shorter_is_over_earlier() -> None:
    assert SMALL.session_close == "10:40"
    rows = flat_days(20)
    assert rows[-1][0] == datetime(2021, 4, 5, 10, 35)

    assert censored(rows) == []
    assert censored(rows[:-1]) == list(range(19))


@pytest.mark.parametrize(
    ("friday", "monday", "before", "whole"),
    [
        (date(2021, 3, 12), date(2021, 3, 15), 113, 107),
        (date(2021, 11, 5), date(2021, 11, 8), 107, 113),
    ],
)
def test_the_hours_of_the_last_day_say_whether_it_is_over(
    friday: date, monday: date, before: int, whole: int
) -> None:
    """WIN closes half an hour earlier while New York keeps summer time."""
    rows = walk(1, 1, first=friday, bars=before)

    for bars, is_open in ((whole, False), (whole - 1, True)):
        series = series_of(rows + walk(2, 1, first=monday, bars=bars), timeframe="M5")
        assert choose_scope(series, Scoring(), moves_of(), 0).open_ended is is_open
