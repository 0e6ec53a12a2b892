"""Alerts made up by hypothesis."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from alertlib.config.types import is_name
from alertlib.texts.words import WORDS, Language
from tests.support.store_data import payload

LANGUAGES: list[Language] = ["pt-BR", "en"]
names = st.from_regex(r"[A-Za-z0-9$@#._-]{1,32}", fullmatch=True)
patterns = st.from_regex(r"[A-Za-zà-ü0-9_.:-]{1,64}", fullmatch=True).filter(is_name)
prices = st.floats(0.01, 1e9)
languages = st.sampled_from(LANGUAGES)


@st.composite
def made_alerts(draw: st.DrawFn) -> dict[str, Any]:
    def maybe(values: st.SearchStrategy[float]) -> float | None:
        return draw(st.none() | values)

    return payload(
        1,
        symbol=draw(names),
        pattern=draw(patterns | st.sampled_from(sorted(WORDS["en"])[:7])),
        direction=draw(st.sampled_from([-1, 1])),
        severity=draw(st.sampled_from(["CRITICO", "ALTO", "MEDIO"])),
        price=draw(prices),
        entry_min=maybe(prices),
        entry_max=maybe(prices),
        stop=maybe(prices),
        target=maybe(prices),
        risk_reward=maybe(st.floats(0.01, 100.0)),
        confidence=maybe(st.floats(0.0, 1.0)),
        late=draw(st.booleans()),
        dry_run=draw(st.booleans()),
    )
