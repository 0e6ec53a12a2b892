"""The words of figures, one table per language."""

from __future__ import annotations

from collections.abc import Callable

from alertlib.errors import ConfigError
from alertlib.texts.words import Language

WORDS: dict[Language, dict[str, str]] = {
    "pt-BR": {
        "tp": "capturou um movimento",
        "fp": "alarme falso",
        "redundant": "repetido",
        "censored": "sem desfecho",
        "unscored": "fora da avaliação",
        "suppressed": "retido pela política",
        "captured": "movimento capturado",
        "missed": "movimento perdido",
        "points": "pontos",
        "price": "preço",
        "synthetic": "DADOS SINTÉTICOS",
    },
    "en": {
        "tp": "captured a move",
        "fp": "false alarm",
        "redundant": "redundant",
        "censored": "no outcome",
        "unscored": "not scored",
        "suppressed": "held back by the policy",
        "captured": "move captured",
        "missed": "move missed",
        "points": "points",
        "price": "price",
        "synthetic": "SYNTHETIC DATA",
    },
}


def words_of(language: Language) -> Callable[[str], str]:
    """Return the lookup of a language.

    Raises
    ------
    ConfigError
        If there is no such language.
    """
    found = WORDS.get(language)
    if found is None:
        raise ConfigError(f"language: got {language!r}, expected pt-BR or en")
    return found.__getitem__
