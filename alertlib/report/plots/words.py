"""The words of figures, one table per language."""

from __future__ import annotations

from collections.abc import Callable

from alertlib._arguments import expect_one_of
from alertlib.texts.words import Language

WORDS: dict[Language, dict[str, str]] = {
    "pt-BR": {
        "tp": "capturou um movimento",
        "fp": "alarme falso",
        "redundant": "repetido",
        "censored": "sem desfecho",
        "unscored": "fora da avaliação",
        "suppressed": "retido pela política",
        "open": "abertura",
        "high": "máxima",
        "low": "mínima",
        "close": "fechamento",
        "entry": "entrada",
        "stop": "stop",
        "target": "alvo",
        "exit": "saída",
        "trade": "operação",
        "confidence": "confiança",
        "agreeing": "concordam",
        "none": "nenhum",
        "exit_target": "saiu no alvo",
        "exit_stop": "saiu no stop",
        "exit_time": "saiu por tempo",
        "exit_session": "saiu no fim da sessão",
        "reason_severity": "severidade abaixo do mínimo",
        "reason_window": "fora do horário",
        "reason_duplicate": "duplicado",
        "reason_rate_limit": "limite por minuto",
        "reason_cooldown": "pausa após um alerta do mesmo lado",
        "reason_accept": "recusado pelo filtro",
        "tp_many": "capturas",
        "fp_many": "alarmes falsos",
        "redundant_many": "repetidos",
        "censored_many": "sem desfecho",
        "unscored_many": "não avaliados",
        "suppressed_many": "retidos",
        "false_inside": "alarmes falsos durante o movimento",
        "against": "contra ele",
        "moves_captured": "movimentos capturados",
        "no_alerts": "nenhum alerta",
        "not_scored": "pregão fora da avaliação: movimentos não avaliados",
        "of": "de",
        "bars": "barras",
        "each_candle": "cada candle são",
        "sides": "abaixo dos candles: compra; acima: venda",
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
        "open": "open",
        "high": "high",
        "low": "low",
        "close": "close",
        "entry": "entry",
        "stop": "stop",
        "target": "target",
        "exit": "exit",
        "trade": "trade",
        "confidence": "confidence",
        "agreeing": "agreeing",
        "none": "none",
        "exit_target": "ended at target",
        "exit_stop": "ended at stop",
        "exit_time": "ended by time",
        "exit_session": "ended with session",
        "reason_severity": "severity below the least",
        "reason_window": "outside the hours",
        "reason_duplicate": "duplicate",
        "reason_rate_limit": "limit per minute",
        "reason_cooldown": "pause after an alert of the same side",
        "reason_accept": "refused by the filter",
        "tp_many": "captures",
        "fp_many": "false alarms",
        "redundant_many": "redundant",
        "censored_many": "without outcome",
        "unscored_many": "not scored",
        "suppressed_many": "held back",
        "false_inside": "false alarms during the move",
        "against": "against it",
        "moves_captured": "moves captured",
        "no_alerts": "no alerts",
        "not_scored": "session not scored: its moves are not judged",
        "of": "of",
        "bars": "bars",
        "each_candle": "each candle",
        "sides": "below the candles: buy; above: sell",
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
    expect_one_of("language", language, tuple(WORDS))
    return WORDS[language].__getitem__
