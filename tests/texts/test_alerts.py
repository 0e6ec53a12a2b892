"""What traders read: numbers as Brazilians write them, and lines that fit."""

from __future__ import annotations

import subprocess
import sys
from decimal import Decimal
from math import inf, nan
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertlib.texts import formats, words
from alertlib.texts.alerts import SUBJECT_LIMIT, UNKNOWN, AlertView, Contract
from alertlib.texts.words import WORDS, Language
from tests.support.made_alerts import languages, made_alerts
from tests.support.store_data import payload

WIN = Contract(tick=5.0, point_value=0.20)


def read(shown: str, language: Language) -> Decimal:
    """Read a number back as a person would: drop the thousands, mark the decimals."""
    thousands, decimals = (".", ",") if language == "pt-BR" else (",", ".")
    return Decimal(shown.replace(thousands, "").replace(decimals, "."))


class TestNumbers:
    @pytest.mark.parametrize(
        ("value", "decimals", "portuguese", "english"),
        [
            (126505.0, None, "126.505", "126,505"),
            (1234.56, 2, "1.234,56", "1,234.56"),
            (5432.5, None, "5.432,5", "5,432.5"),
            (0.1, None, "0,1", "0.1"),
            (1e15, None, "1.000.000.000.000.000", "1,000,000,000,000,000"),
            (-0.001, 2, "0,00", "0.00"),
            (-1234.0, 0, "-1.234", "-1,234"),
            (None, 2, "–", "–"),
            (nan, 2, "–", "–"),
            (-inf, None, "–", "–"),
        ],
    )
    def test_by_hand(
        self, value: float | None, decimals: int | None, portuguese: str, english: str
    ) -> None:
        assert formats.number(value, decimals) == portuguese
        assert formats.number(value, decimals, "en") == english

    @given(st.floats(-1e12, 1e12), st.integers(0, 8), languages)
    def test_a_person_reads_the_same_number_back(
        self, value: float, decimals: int, language: Language
    ) -> None:
        shown = formats.number(value, decimals, language)
        assert read(shown, language) == Decimal(f"{value:.{decimals}f}")
        assert not shown.startswith("-") or read(shown, language) < 0

    @given(st.integers(-(10**15), 10**15), st.integers(0, 4), languages)
    def test_without_decimals_given_nothing_is_lost(
        self, whole: int, places: int, language: Language
    ) -> None:
        value = float(Decimal(whole).scaleb(-places))
        shown = formats.number(value, None, language)
        assert float(read(shown, language)) == pytest.approx(value, abs=1e-8)
        assert not shown.endswith(",0")

    def test_money(self) -> None:
        assert formats.money(1234.56) == "R$ 1.234,56"
        assert formats.money(-50.0) == "-R$ 50,00"
        assert formats.money(50.0, signed=True) == "+R$ 50,00"
        assert formats.money(-0.001, signed=True) == "R$ 0,00"
        assert formats.money(1234.56, "en") == "R$ 1,234.56"
        assert formats.money(None) == "–"

    @pytest.mark.parametrize(
        ("tick", "decimals"), [(5.0, 0), (0.5, 1), (0.01, 2), (0.25, 2), (1e-5, 5), (20.0, 0)]
    )
    def test_a_price_has_the_decimals_of_its_tick(self, tick: float, decimals: int) -> None:
        assert formats.tick_decimals(tick) == decimals
        assert formats.price(100.0, tick).partition(",")[2] == "0" * decimals

    def test_distances(self) -> None:
        assert formats.points(-250.0, 5.0) == "-250 pontos"
        assert formats.points(1.0, 5.0) == "+1 ponto"
        assert formats.points(0.0, 5.0) == "0 pontos"
        assert formats.points(7.5, 0.5, "en") == "+7.5 points"

    def test_shares(self) -> None:
        assert formats.percent(0.581, 1) == "58,1%"
        assert formats.percent(0.0) == "0%"
        assert formats.percent(None) == "–"


class TestTime:
    def test_utc_and_wall_clock_are_brasilia_time(self) -> None:
        for iso in ("2026-07-28T13:10:00Z", "2026-07-28T10:10:00-03:00", "2026-07-28T10:10:00"):
            assert formats.moment(formats.brasilia(iso)) == "28/07/2026 10:10"
        assert formats.moment(formats.brasilia("2026-07-28T13:10:05Z"), "en", seconds=True) == (
            "2026-07-28 10:10:05"
        )

    def test_summer_time_of_the_past(self) -> None:
        assert formats.moment(formats.brasilia("2018-12-03T12:00:00Z")) == "03/12/2018 10:00"

    def test_the_span_of_a_bar(self) -> None:
        assert AlertView(payload(1)).bar_span == "28/07/2026 10:05–10:10"


class TestAlert:
    def test_the_line(self) -> None:
        alert = payload(1, pattern="break_suporte", direction=-1, stop=126705.0, target=126005.0)
        assert AlertView(alert, WIN).text == (
            "WIN$N M5: Rompimento de suporte, venda a 126.505; "
            "alvo 126.005 (+500 pontos, +R$ 100,00); entrada 126.400 – 126.600; "
            "stop 126.705 (-200 pontos, -R$ 40,00); risco:retorno 1:1,5; "
            "severidade CRÍTICO, confiança 71%; 28/07/2026 10:10"
        )

    def test_no_reais_where_the_value_of_a_point_is_unknown(self) -> None:
        assert "R$" not in AlertView(payload(1)).text

    def test_the_subject_says_first_what_to_act_on(self) -> None:
        assert AlertView(payload(1), WIN).subject == (
            "WIN$N compra 126.505, stop 126.300, alvo 126.800, 10:10 · "
            "Volatilidade extrema · CRÍTICO"
        )
        assert AlertView(payload(1, dry_run=True), WIN, correction=True).subject == (
            "[CORREÇÃO, SIMULAÇÃO] WIN$N compra 126.505, stop 126.300, alvo 126.800, 10:10 · "
            "Volatilidade extrema"
        )

    @given(made_alerts(), languages, st.booleans())
    def test_any_subject_fits_and_has_side_and_price_before_the_name(
        self, alert: dict[str, Any], language: Language, correction: bool
    ) -> None:
        view = AlertView(alert, WIN, language, correction)
        subject = view.subject
        assert 0 < len(subject) <= SUBJECT_LIMIT
        assert subject.isprintable()
        price = formats.price(alert["price"], WIN.tick, language)
        side = words.side(alert["direction"], language)
        assert f"{alert['symbol']} {side} {price}, " in subject
        for mark in view.marks:
            assert mark in subject

    @given(made_alerts(), languages)
    def test_any_alert_is_one_printable_line(
        self, alert: dict[str, Any], language: Language
    ) -> None:
        for contract in (WIN, UNKNOWN):
            line = AlertView(alert, contract, language).text
            assert line.isprintable()
            assert "None" not in line
            assert "nan" not in line.replace(alert["symbol"], "").replace(alert["pattern"], "")

    @given(made_alerts(), st.sampled_from([-1, 1]))
    def test_a_stop_loses_and_a_target_wins_on_either_side(
        self, alert: dict[str, Any], direction: int
    ) -> None:
        alert |= {
            "price": 1000.0,
            "direction": direction,
            "stop": 1000.0 - direction * 50.0,
            "target": 1000.0 + direction * 75.0,
        }
        shown = {level.key: level.distance for level in AlertView(alert, WIN).levels}
        assert shown["stop"] == "-50 pontos, -R$ 10,00"
        assert shown["target"] == "+75 pontos, +R$ 15,00"


def test_both_languages_have_the_same_words() -> None:
    assert WORDS["pt-BR"].keys() == WORDS["en"].keys()


def test_it_brings_no_heavy_import() -> None:
    heavy = ["numpy", "polars", "jinja2", "asyncio", "msgspec"]
    code = f"import sys, alertlib.texts.alerts; print(sorted(set({heavy}) & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
