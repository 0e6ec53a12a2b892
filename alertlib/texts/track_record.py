"""A pattern's figures in the last scorecard, in a sentence. Standard library only."""

from __future__ import annotations

from typing import TypedDict

from alertlib.texts.formats import brasilia, moment, number, percent
from alertlib.texts.words import Language, word


class Record(TypedDict, total=False):
    """A pattern's figures in the last scorecard; whatever is left out is not mentioned."""

    trades: int
    win_rate: float
    win_rate_chance: float
    false_positive_share: float
    false_positive_share_chance: float
    generated_at: str
    synthetic: bool


def record_text(record: Record | None, language: Language = "pt-BR") -> str:
    """Return a pattern's figures in the last scorecard, each beside its chance level.

    Empty when there is no record or no figure in it; nothing is filled in.
    """
    if record is None:
        return ""
    figures = []
    for key in ("win_rate", "false_positive_share"):
        share = record.get(key)
        if not isinstance(share, float | int):
            continue
        by_chance = record.get(f"{key}_chance")
        beside = (
            f"{word('chance', language)} {percent(by_chance, 1, language)}"
            if isinstance(by_chance, float | int)
            else word("no_chance", language)
        )
        figures.append(f"{word(key, language)} {percent(share, 1, language)} ({beside})")
    if not figures:
        return ""
    return f"{word('record', language)}{_origin(record, language)}: {', '.join(figures)}"


def _origin(record: Record, language: Language) -> str:
    origin = []
    if "generated_at" in record:
        origin.append(moment(brasilia(record["generated_at"]), language)[:10])
    if "trades" in record:
        origin.append(f"{number(record['trades'], 0, language)} {word('trades', language)}")
    if record.get("synthetic"):
        origin.append(word("synthetic", language))
    return f" ({', '.join(origin)})" if origin else ""
