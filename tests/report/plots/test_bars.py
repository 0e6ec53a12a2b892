"""``bars.plot`` as its user meets it."""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

import alertlib as al
from alertlib.bars.sample import sample_path
from alertlib.errors import ConfigError
from tests.support.synthetic import bars_of, walk

BARS = bars_of(walk(5, sessions=9), "WIN$N", "M5")


def title(figure: Any) -> str:
    return str(figure.layout.title.text)


def test_bars_are_merged_where_they_are_many_and_the_title_says_so() -> None:
    whole, merged = BARS.plot(candles=len(BARS)), BARS.plot(candles=100)

    assert len(whole.data[0].x) == len(BARS)
    assert "each candle" not in title(whole)
    assert len(merged.data[0].x) <= 100
    assert f"each candle {-(-len(BARS) // 100)} bars" in title(merged)
    assert max(merged.data[0].high) == BARS.frame["high"].max()


def test_an_assumed_symbol_stands_in_the_title() -> None:
    assert "WIN$N (assumed) M5" in title(replace(BARS, assumed_symbol=True).plot())
    assert "assumed" not in title(BARS.plot())


def test_bars_are_drawn_from_date_to_date() -> None:
    days = BARS.frame["time"].dt.date().unique().sort().to_list()

    def drawn(first: date | None, last: date | None) -> int:
        return len(BARS.plot(first, last, candles=10_000).data[0].x)

    assert drawn(days[3], days[4]) == len(BARS.between(days[3], days[4]))
    assert drawn(days[3], None) + drawn(None, days[2]) == len(BARS)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"theme": "blue"}, "theme: got 'blue'; expected one of light, dark"),
        ({"theme": ["dark"]}, "theme: got a value of type list; expected one of"),
        ({"language": "fr"}, "language: got 'fr'; expected one of pt-BR, en"),
        ({"candles": 0}, "candles: got 0, expected at least 1"),
        ({"first": "2031-01-01"}, "between: got '2031-01-01' and '"),
    ],
)
def test_options_that_cannot_be_are_told_in_a_line(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        BARS.plot(**options)


def test_made_up_bars_are_told() -> None:
    sample = al.read_bars(sample_path())

    assert "SYNTHETIC DATA" in title(sample.plot())
    assert "DADOS SINTÉTICOS" in title(sample[:50].plot(language="pt-BR"))
    assert "SYNTHETIC" not in title(BARS.plot())


def test_without_plotly_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "plotly", None)

    with pytest.raises(
        ConfigError, match=r"plotly is not installed; .* pip install 'alertlib-b3\[notebook\]'"
    ):
        BARS.plot()
