"""Why an alert came: every number recomputed from the bars, whatever the detector."""

from __future__ import annotations

import copy
import pickle
import re
from typing import Any, NamedTuple

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import alertlib as al
from alertlib.study.replay import Replay
from alertlib.study.verdict_words import VERDICT_WORDS
from alertlib.study.verdicts import verdicts
from tests.support.synthetic import bars_of, walk
from tests.support.user_detectors import follow, learner, peek

BARS = bars_of(walk(101, sessions=14), timeframe="M5")


def run_of(*detectors: Any, bars: al.Bars = BARS, **options: Any) -> al.Run:
    given = {"detectors": list(detectors)} if detectors else {}
    return al.backtest(bars, audits="none", chance=False, **given, **options)


@pytest.fixture(scope="module")
def run() -> al.Run:
    return run_of()


def joined(run: al.Run, name: str) -> Any:
    series = run.scored.detected.series
    return getattr(series, name) - series.gaps


def read(frame: pl.DataFrame, detector: str, reading: str, side: int) -> dict[str, Any]:
    wanted = (pl.col("detector") == detector) & (pl.col("reading") == reading)
    return frame.filter(wanted & pl.col("side").is_in([0, side])).row(0, named=True)


def test_what_detectors_saw_is_what_the_bars_say(run: al.Run) -> None:
    close, high = joined(run, "close"), joined(run, "high")
    series = run.scored.detected.series
    minutes = series.times().to_list()

    # With twenty bars behind them.
    warm = run.alerts.filter(pl.col("bar_time") > minutes[20])
    for row in warm.sample(25, seed=1).iter_rows(named=True):
        bar = minutes.index(row["bar_time"])
        saw = run.explain(row["id"]).detectors

        window = close[bar - 19 : bar + 1]
        z = read(saw, "volatility", "z", 1)
        assert z["value"] == pytest.approx((window[-1] - window.mean()) / window.std(), abs=1e-9)
        assert z["limit"] == 2.0
        above = read(saw, "breakout", "close", 1)
        assert above["value"] == row["price"]
        resistance = high[bar - 5 : bar].max() + series.gaps[bar]
        assert above["limit"] == series.price(int(resistance)) + 5
        assert above["away"] == max(above["limit"] - above["value"], 0.0)


def test_every_signal_of_an_alert_is_among_what_detectors_saw(run: al.Run) -> None:
    patterns = {d.name: d.patterns for d in run.scored.detected.rules.detectors}

    for row in run.alerts.sample(25, seed=2).iter_rows(named=True):
        saw = run.explain(row["id"]).detectors.filter(signal=row["direction"])
        names = {patterns[name][0 if row["direction"] > 0 else 1] for name in saw["detector"]}
        assert names == {row["pattern"], *row["agreeing"]}


def test_where_the_market_went_is_what_the_bars_say(run: al.Run) -> None:
    frame = BARS.frame

    for row in run.alerts.sample(25, seed=3).iter_rows(named=True):
        after = run.explain(row["id"]).after
        assert after is not None
        day = frame.filter(pl.col("time").dt.date() == row["bar_time"].date())
        ahead = day.filter(pl.col("time") > row["bar_time"]).head(24)
        assert (after["bars"], after["open"]) == (ahead.height, ahead["open"][0])
        reached = ("high", "low") if row["direction"] > 0 else ("low", "high")
        best, worst = ((ahead[name] - after["open"]) * row["direction"] for name in reached)
        assert (after["best"], after["worst"]) == (best.max(), worst.min())
        assert after["best_time"] == ahead["time"][best.arg_max()]
        assert after["best_r"] == pytest.approx(best.max() / abs(row["price"] - row["stop"]))


def test_the_last_bar_of_a_session_has_nothing_after_it() -> None:
    run = run_of("engulfing")
    last = run.suppressed.filter(pl.col("bar_time").dt.strftime("%H:%M") == "17:50")

    explained = run.explain(last["id"][0])

    assert explained.after is None
    assert "no bar of its session follows" in repr(explained)


def test_what_the_policy_did_is_told_of_both_sides(run: al.Run) -> None:
    held = run.suppressed.filter(pl.col("reason") == "cooldown").row(-1, named=True)

    told = run.explain(held["id"])

    assert told.why == "the policy held it back (cooldown)"
    before = run.alerts.filter(
        (pl.col("direction") == held["direction"]) & (pl.col("bar_time") < held["bar_time"])
    ).row(-1, named=True)
    assert told.policy == (
        f"held back: cool-down of 6 bars after {before['pattern']} at {before['bar_time']:%H:%M}"
    )
    blocked = f"{held['pattern']} {held['bar_time']:%H:%M}"
    assert blocked in run.explain(before["id"]).policy
    late = run.suppressed.filter(pl.col("reason") == "window")["id"][0]
    assert run.explain(late).policy == "held back: its bar closed outside 09:05-17:30"
    near = told.nearby.filter(pl.col("offset") == 0)
    assert near["policy"].to_list() == [told.policy]


def test_the_bars_around_are_marked(run: al.Run) -> None:
    alert = run.alerts.filter(outcome="tp").row(-20, named=True)

    bars = run.explain(alert["id"]).bars

    assert bars["offset"].to_list() == list(range(-12, 37))
    here = bars.row(12, named=True)
    assert (here["time"], here["close"]) == (alert["bar_time"], alert["price"])
    assert here["mark"].startswith("alert")
    assert "entry" in bars["mark"][13]


def test_the_verdicts_of_all_alerts_at_once_run_no_detector(
    run: al.Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Replay, "looks", None)
    rows = run.alerts.head(40)

    found = [v.why for v in verdicts(rows, run.opportunities, run._record.early)]

    assert found == [run.explain(i).why for i in rows["id"]]


def test_verdicts_are_told_in_portuguese_too(run: al.Run) -> None:
    def figures(why: str) -> list[str]:
        return sorted(re.findall(r"[\d:]+", why.replace(",", "").replace(".", "")))

    early = run._record.early
    english = verdicts(run.alerts, run.opportunities, early)
    portuguese = verdicts(run.alerts, run.opportunities, early, "pt-BR")

    for told, dito in zip(english, portuguese, strict=True):
        assert dito.move == told.move
        assert figures(dito.why) == figures(told.why)
    said = {re.sub(r"[\d.,]+", "", dito.why) for dito in portuguese}
    assert (
        "capturou um movimento ainda não capturado: movimento  de  pontos de alta das : às :"
        in said
    )
    assert not any(" move " in why or "the " in why for why in said)
    assert VERDICT_WORDS["en"].keys() == VERDICT_WORDS["pt-BR"].keys()


def test_early_enough_but_too_little_left_is_not_called_early() -> None:
    """Found by reading: an alert a bar before a move was told that the move starts later."""
    run = run_of(config=al.Config().set("scoring.min_move_left", 1.0))
    starts = {m["time_start"]: m for m in run.opportunities.to_dicts()}

    early = [
        run.explain(a["id"]).why
        for a in run.alerts.filter(outcome="fp").to_dicts()
        for start, move in starts.items()
        if 0 < (start - a["bar_time"]).total_seconds() <= 600
        and move["direction"] == a["direction"]
        and start.date() == a["bar_time"].date()
    ]

    assert any("too little was left of the nearest move" in why for why in early)


# --- detectors of every kind --------------------------------------------------------------


class Seen(NamedTuple):
    bars: int = 0


def body(state: Any, ring: Any, bar: Any, p: Any) -> Any:
    return (1 if bar.close - bar.open >= 20 else 0), Seen(state.bars + 1)


def body_evidence(state: Any, ring: Any, bar: Any, p: Any) -> Any:
    size = bar.close - bar.open
    return (al.Reading("body", size, 20, size >= 20, 1, "distance"),)


def declared(name: str, evidence: Any) -> al.Detector:
    made = al.detector(
        name, patterns=(f"{name}_up", f"{name}_down"), state=Seen(), evidence=evidence
    )
    return made(body)


def test_a_detector_of_ones_own_says_what_it_compared() -> None:
    run = run_of(declared("study.body", body_evidence))

    (row,) = run.explain(run.alerts["id"][-1]).detectors.to_dicts()

    assert (row["reading"], row["limit"], row["met"], row["unit"]) == (
        "body",
        100.0,
        True,
        "points",
    )
    assert row["value"] >= 100.0


def test_a_step_without_evidence_shows_its_state() -> None:
    saw = run_of(follow).explain(run_of(follow).alerts["id"][-1]).detectors

    assert saw["reading"][0].startswith("state.seen (was ")
    assert saw["reading"][1].startswith("state.side (was ")
    assert saw["limit"].is_null().all()


@pytest.mark.parametrize(
    "detectors",
    [
        (peek,),
        (al.only(peek, between=("10:00", "12:00"), name="study.peek"), "directional_change"),
        (al.both(follow, "breakout", name="study.both"),),
        (al.only("volatility", where=lambda bar: bar.close > bar.open, name="study.only"),),
    ],
)
def test_every_kind_of_detector_is_answered_for(detectors: Any) -> None:
    run = run_of(*detectors)
    told = run.explain(run.alerts["id"][-1])

    assert told.detectors.filter(pl.col("signal") == told.alert["direction"]).height
    assert told.detectors["detector"].n_unique() == len(detectors)
    assert len(repr(told).splitlines()) <= 25
    missed = run.missed()
    assert missed["why"].null_count() == missed["reason"].null_count() == 0
    for number in missed["opportunity_id"].head(3):
        assert repr(run.explain_move(number))


def test_a_detector_that_learns_is_explained_with_what_it_had_learned() -> None:
    bars = bars_of(walk(7, sessions=70, bars=107), timeframe="M5")
    run = run_of(learner, bars=bars)
    scored = run.alerts.filter(pl.col("outcome") != "unscored")

    (row,) = run.explain(scored["id"][-1]).detectors.to_dicts()

    # It signals on every seventh bar since its refit began: seven is what it learned.
    assert row["signal"] == 1
    assert (row["value"] - 1) % 7 == 0


def test_evidence_that_raises_or_is_none_is_named() -> None:
    def broken(state: Any, ring: Any, bar: Any, p: Any) -> Any:
        return 1 / 0

    def wrong(state: Any, ring: Any, bar: Any, p: Any) -> Any:
        return 3.0

    for evidence, said in ((broken, "raised ZeroDivisionError"), (wrong, "answered float")):
        run = run_of(declared("study.broken", evidence))
        with pytest.raises(al.DetectorError, match=f"'study.broken': at .* its evidence {said}"):
            _ = run.explain(run.alerts["id"][-1]).detectors


def test_evidence_cannot_change_what_the_step_remembers() -> None:
    def greedy(state: Any, ring: Any, bar: Any, p: Any) -> Any:
        ring[0] = 10**9
        return (al.Reading("first", ring[0]),)

    kept = al.find_detector("breakout")
    made = al.detector(
        "study.greedy", patterns=kept.patterns, state=kept.state, params=kept.params,
        ring=10, warmup=5, evidence=greedy,
    )(kept.step)  # fmt: skip
    run = run_of(made)
    first, stop = 900, 1_000

    signals = [look.signal for look in Replay(run.scored.detected).looks(0, first, stop)]

    plain = [look.signal for look in Replay(run_of(kept).scored.detected).looks(0, first, stop)]
    assert signals == plain
    assert any(signals)


@given(st.integers(0, 1_497), st.integers(1, 40))
def test_a_bar_is_seen_alike_from_wherever_one_begins(first: int, length: int) -> None:
    detected = RUN.scored.detected
    fresh, used = Replay(detected), RUN._record.replay
    for place in range(len(RUN.scored.detected.rules.detectors)):
        assert fresh.looks(place, first, first + length) == used.looks(place, first, first + length)


RUN = run_of()


def test_the_replay_signals_as_the_backtest_did(run: al.Run) -> None:
    """Its signals are those the alerts were merged of, bar by bar."""
    record, scored = run._record, run.scored
    defined = ~np.isnan(scored.detected.atr)
    for place, detector in enumerate(record.detectors):
        for look in record.replay.looks(place, 0, len(scored.detected.series)):
            if look.bar > detector.warmup and defined[look.bar]:
                assert record.signals(look.bar).get(place, 0) == look.signal


# --- copies, text -------------------------------------------------------------------------


@pytest.mark.parametrize("twin_of", [copy.deepcopy, lambda r: pickle.loads(pickle.dumps(r))])
def test_a_run_that_has_explained_can_still_be_copied(twin_of: Any) -> None:
    run = run_of(follow)
    first = run.alerts["id"][-1]
    said = repr(run.explain(first))
    assert run.missed().height

    assert repr(twin_of(run).explain(first)) == said


def test_the_text_is_short_and_the_html_escaped(run: al.Run) -> None:
    for i in run.alerts["id"].tail(30):
        assert len(repr(run.explain(i)).splitlines()) <= 25
    told = run.explain(run.alerts["id"][-1])
    assert told._repr_html_().startswith("<pre>")
    noisy = type(told)({**told.alert, "pattern": "<b>"}, told.move, told.why)
    assert "&lt;b&gt;" in noisy._repr_html_()
