"""The vocabulary of what traders read, one table per language."""

from __future__ import annotations

from typing import Literal

Language = Literal["pt-BR", "en"]

WORDS: dict[Language, dict[str, str]] = {
    "pt-BR": {
        "volatilidade_extrema": "Volatilidade extrema",
        "engulfing_bullish": "Engolfo de alta",
        "engulfing_bearish": "Engolfo de baixa",
        "divergencia_rsi_alta": "Divergência RSI alta",
        "divergencia_rsi_baixa": "Divergência RSI baixa",
        "break_resistencia": "Rompimento de resistência",
        "break_suporte": "Rompimento de suporte",
        "mudanca_direcional_alta": "Mudança direcional de alta",
        "mudanca_direcional_baixa": "Mudança direcional de baixa",
        "CRITICO": "CRÍTICO",
        "ALTO": "ALTO",
        "MEDIO": "MÉDIO",
        "buy": "compra",
        "sell": "venda",
        "at": "a",
        "point": "ponto",
        "points": "pontos",
        "stop": "Stop",
        "target": "Alvo",
        "entry": "Entrada",
        "severity": "Severidade",
        "confidence": "Confiança",
        "risk_reward": "Risco:retorno",
        "correction": "CORREÇÃO",
        "dry_run": "SIMULAÇÃO",
        "late": "ATRASADO",
        "replay": "REPLAY",
        "synthetic_mark": "DADOS SINTÉTICOS",
        "record": "No último scorecard",
        "synthetic": "dados sintéticos",
        "trades": "operações",
        "win_rate": "acerto",
        "false_positive_share": "falsos positivos",
        "chance": "ao acaso",
        "no_chance": "nível do acaso não calculado",
    },
    "en": {
        "volatilidade_extrema": "Extreme volatility",
        "engulfing_bullish": "Bullish engulfing",
        "engulfing_bearish": "Bearish engulfing",
        "divergencia_rsi_alta": "Bullish RSI divergence",
        "divergencia_rsi_baixa": "Bearish RSI divergence",
        "break_resistencia": "Resistance breakout",
        "break_suporte": "Support breakout",
        "mudanca_direcional_alta": "Bullish directional change",
        "mudanca_direcional_baixa": "Bearish directional change",
        "CRITICO": "CRITICAL",
        "ALTO": "HIGH",
        "MEDIO": "MEDIUM",
        "buy": "buy",
        "sell": "sell",
        "at": "at",
        "point": "point",
        "points": "points",
        "stop": "Stop",
        "target": "Target",
        "entry": "Entry",
        "severity": "Severity",
        "confidence": "Confidence",
        "risk_reward": "Risk:reward",
        "correction": "CORRECTION",
        "dry_run": "DRY RUN",
        "late": "LATE",
        "replay": "REPLAY",
        "synthetic_mark": "SYNTHETIC DATA",
        "record": "In the last scorecard",
        "synthetic": "synthetic data",
        "trades": "trades",
        "win_rate": "win rate",
        "false_positive_share": "false positives",
        "chance": "chance",
        "no_chance": "chance level not computed",
    },
}


def word(key: str, language: Language = "pt-BR") -> str:
    """Return the label of a key, pattern or severity; an unknown one stands for itself."""
    return WORDS[language].get(key, key)


def side(direction: float, language: Language = "pt-BR") -> str:
    """Return ``compra`` or ``venda`` for a direction of +1 or -1."""
    return word("buy" if direction > 0 else "sell", language)
