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
        "running_total": "resultado acumulado",
        "drawdown": "drawdown",
        "deepest": "drawdown máximo",
        "trade_axis": "operação, pela ordem em que terminou",
        "R": "R",
        "equity_title": "{trades} operações: {points} pontos, {r} R; drawdown máximo {fall} "
        "pontos, {fall_r} R",
        "equity_note": "Líquido de slippage e taxas. Cada operação conta quando termina. R: pontos "
        "sobre a distância do preço do alerta ao stop.",
        "no_fall": "Nenhum drawdown.",
        "fall_points": "Drawdown máximo em pontos: depois da operação {first} até a {last}.",
        "fall_r": "Em R: depois da {first} até a {last}.",
        "hours_title": "Pontos por operação: intervalo acima de 0 em {above} de {hours} horas, "
        "abaixo em {below}",
        "hours_title_none": "Nenhuma operação",
        "hours_note": "Barras: intervalo de 95 % por sessões; n embaixo; marcador vazado: n abaixo "
        "de {few}. Linha tracejada: o total.",
        "hours_luck": "De {drawn} intervalos, cerca de {missing} não conteriam o valor verdadeiro "
        "só por acaso: nenhum isolado prova uma hora.",
        "hours_where": "Movimentos contam onde começam, alertas quando saem.",
        "capture_axis": "movimentos capturados",
        "false_axis": "alarmes falsos",
        "win_axis": "operações vencedoras",
        "points_axis": "pontos por operação",
        "hour_axis": "hora do dia",
        "weekday_axis": "dia da semana",
        "weekdays": "seg ter qua qui sex sáb dom",
        "events_title": "{bars} barras após os alertas: {mean} ATR na direção deles [{low} a "
        "{high}]",
        "events_title_none": "Nenhum alerta chega a {bars} barras depois",
        "events_note": "Média do fechamento menos o do alerta, na direção do alerta; faixa de 95 % "
        "por sessões; pontilhado: menos da metade dos alertas tem a barra na sessão. Cinza: todos.",
        "events_selected": "Os desfechos se definem pelo que vem depois: só “todos” diz se os "
        "alertas preveem.",
        "events_axis": "barras desde o alerta",
        "atr_axis": "ATR",
        "all": "todos",
        "hour_of": "{hour} h",
        "excursions_title": "Metade das {lost} perdedoras esteve {ahead} a favor ou mais; metade "
        "das {won} vencedoras, {behind} contra ou mais",
        "excursions_note": "Maior excursão de cada operação desde a entrada, com slippage; a barra "
        "da saída conta inteira. Linhas: stop e alvo, medianas, medidos do preço do alerta.",
        "against_axis": "contra a operação ({unit})",
        "favour_axis": "a favor da operação ({unit})",
        "stop_line": "stop",
        "target_line": "alvo",
        "net": "líquido",
        "calibration_title": "{valid} de {alerts} alertas válidos; as probabilidades declaradas "
        "pediam {expected}",
        "calibration_note": "Acima da diagonal: válidos mais vezes do que o declarado. Barras: "
        "intervalo de 95 % por sessões; n ao lado; marcador vazado: n abaixo de {few}.",
        "calibration_z": "{detector}: z {z}.",
        "stated_axis": "probabilidade declarada, média da faixa",
        "valid_axis": "alertas válidos",
        "true_line": "declarado = observado",
        "chance_title": "Captura {capture}, alarmes falsos {false}, acerto {wins}, contra o acaso",
        "chance_note": "Nuvem: as rodadas de cada acaso, com a média. Linha cheia: o observado; "
        "pontilhada: o limite. p: parcela das rodadas, a observada entre elas, que faz tão bem "
        "ou melhor.",
        "observed": "observado",
        "needed": "limite",
        "session_permutation": "outros dias",
        "direction_flip": "lado por moeda",
        "timing": "mais tarde",
        "coin_flip": "barras por moeda",
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
        "running_total": "running total",
        "drawdown": "drawdown",
        "deepest": "max drawdown",
        "trade_axis": "trade, in the order of their ends",
        "R": "R",
        "equity_title": "{trades} trades: {points} points, {r} R; max drawdown {fall} points, "
        "{fall_r} R",
        "equity_note": "Net of slippage and fees. Each trade counts when it ends. R: points over "
        "the distance from the alert's price to its stop.",
        "no_fall": "No drawdown.",
        "fall_points": "Max drawdown in points: after trade {first} up to {last}.",
        "fall_r": "In R: after {first} up to {last}.",
        "hours_title": "Points a trade: interval above 0 in {above} of {hours} hours, below in "
        "{below}",
        "hours_title_none": "No trade",
        "hours_note": "Bars: 95 % interval by sessions; n below; hollow marker: n below {few}. "
        "Dashed line: in all.",
        "hours_luck": "Of {drawn} intervals about {missing} would miss the true value by chance "
        "alone: none by itself proves an hour.",
        "hours_where": "Moves count where they start, alerts when they are made.",
        "capture_axis": "moves captured",
        "false_axis": "false alarms",
        "win_axis": "trades won",
        "points_axis": "points a trade",
        "hour_axis": "hour of day",
        "weekday_axis": "weekday",
        "weekdays": "Mon Tue Wed Thu Fri Sat Sun",
        "events_title": "{bars} bars after the alerts: {mean} ATR in their direction [{low} to "
        "{high}]",
        "events_title_none": "No alert has a bar {bars} bars later",
        "events_note": "Mean of the close less the alert's, in the alert's direction; 95 % band by "
        "sessions; dotted: fewer than half of the alerts have the bar in their session. Grey: all.",
        "events_selected": 'Outcomes are decided by what follows: only "all" says whether alerts '
        "foretell.",
        "events_axis": "bars from the alert",
        "atr_axis": "ATR",
        "all": "all",
        "hour_of": "{hour}h",
        "excursions_title": "Half of the {lost} losers were {ahead} ahead or more; half of the "
        "{won} winners {behind} behind or more",
        "excursions_note": "Largest excursion of each trade from its fill, slippage included; the "
        "exit's bar counts whole. Lines: stop and target, medians, from the alert's price.",
        "against_axis": "against the trade ({unit})",
        "favour_axis": "for the trade ({unit})",
        "stop_line": "stop",
        "target_line": "target",
        "net": "net",
        "calibration_title": "{valid} of {alerts} alerts valid; the stated probabilities asked for "
        "{expected}",
        "calibration_note": "Above the diagonal: valid more often than stated. Bars: 95 % interval "
        "by sessions; n beside them; hollow marker: n below {few}.",
        "calibration_z": "{detector}: z {z}.",
        "stated_axis": "stated probability, mean of the bin",
        "valid_axis": "alerts valid",
        "true_line": "stated = observed",
        "chance_title": "Captured {capture}, false alarms {false}, trades won {wins}, against "
        "chance",
        "chance_note": "Cloud: the runs of each null, with their mean. Solid line: observed; "
        "dotted: the limit. p: share of the runs, the observed one among them, that do as "
        "well or better.",
        "observed": "observed",
        "needed": "limit",
        "session_permutation": "other days",
        "direction_flip": "sides by coin",
        "timing": "later",
        "coin_flip": "bars by coin",
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
