"""The words of verdicts, one table per language."""

from __future__ import annotations

from alertlib.texts.words import Language

VERDICT_WORDS: dict[Language, dict[str, str]] = {
    "pt-BR": {
        "tp": "capturou um movimento ainda não capturado",
        "fp": "não vale para nenhum movimento",
        "redundant": "vale, mas para movimentos já capturados",
        "censored": "os dados terminam antes do seu desfecho",
        "unscored": "seu pregão não é avaliado",
        "suppressed": "a política o reteve",
        "up": "de alta",
        "down": "de baixa",
        "move": "movimento {number} de {points} pontos {direction}, das {start} às {end}",
        "none": "seu pregão não tem movimento na sua direção",
        "later": "o movimento mais próximo (das {start} às {end}) começa {minutes} min depois",
        "over": "o movimento mais próximo (das {start} às {end}) já havia terminado",
        "little": "na abertura seguinte restava pouco demais do movimento mais próximo "
        "(das {start} às {end})",
        "against": "aponta contra o {move}",
    },
    "en": {
        "tp": "captured a move not captured before",
        "fp": "valid for no move",
        "redundant": "valid, but for moves already captured",
        "censored": "the data end before its outcome is known",
        "unscored": "its session is not scored",
        "suppressed": "the policy held it back",
        "up": "up",
        "down": "down",
        "move": "move {number} of {points} points {direction} from {start} to {end}",
        "none": "its session has no move of its direction",
        "later": "the nearest move ({start} to {end}) starts {minutes} min later",
        "over": "the nearest move ({start} to {end}) was over",
        "little": "too little was left of the nearest move ({start} to {end}) at the next open",
        "against": "it points against {move}",
    },
}
