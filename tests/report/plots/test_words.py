"""The words of figures: every language has all of them."""

from __future__ import annotations

from alertlib.report.plots.words import WORDS


def test_every_language_has_every_word() -> None:
    keys = {language: set(words) for language, words in WORDS.items()}

    assert keys["pt-BR"] == keys["en"]
    assert all(word.strip() for words in WORDS.values() for word in words.values())
