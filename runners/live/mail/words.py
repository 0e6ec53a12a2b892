"""Sentences that only e-mails have, one table per language."""

from __future__ import annotations

from alertlib.texts.words import Language

MAIL_WORDS: dict[Language, dict[str, str]] = {
    "pt-BR": {
        "open": "Abertura",
        "high": "Máxima",
        "low": "Mínima",
        "close": "Fechamento",
        "at": "a",
        "price": "Preço",
        "time": "Hora",
        "symbol": "Ativo",
        "pattern": "Padrão",
        "side": "Lado",
        "stop": "Stop",
        "target": "Alvo",
        "severity": "Severidade",
        "confidence": "Confiança",
        "risk_reward": "Risco:retorno",
        "bar": "Barra",
        "detected": "Detectado",
        "id": "Identificação",
        "valid_until": "Válido até",
        "sender_name": "Alertas de trading",
        "open_page": "Abrir a página dos alertas",
        "alert_price": "preço do alerta",
        "zone": "horário de Brasília",
        "changes": "O que mudou na barra",
        "money_note": (
            "Distâncias a partir do preço do alerta; R$ por contrato (ou ação), sem custos."
        ),
        "points_note": "Distâncias a partir do preço do alerta, sem custos.",
        "correction_banner": (
            "Correção: a barra deste alerta foi revista depois do fechamento. "
            "O alerta original fica como foi enviado; confira o gráfico."
        ),
        "synthetic_banner": "Dados sintéticos: inventados, de nenhum mercado. Não opere.",
        "replay_banner": "Replay: barras do passado, tocadas de novo. Não opere.",
        "dry_run_banner": (
            "Simulação: alerta gerado em modo de teste. Não opere com base nesta mensagem."
        ),
        "late_banner": (
            "Atrasado: a barra chegou depois de uma interrupção dos dados. "
            "O mercado já andou; confira o preço atual."
        ),
        "disclaimer": (
            "Aviso automático de um detector estatístico: não é recomendação de investimento."
        ),
        "digest_subject": "{n} alertas reunidos em uma mensagem",
        "digest_subject_one": "1 alerta que esperava envio",
        "digest_subject_expired": "{n} fora do prazo",
        "digest_subject_expired_one": "1 fora do prazo",
        "digest_title": "Alertas reunidos",
        "digest_intro": "{n} alertas esperavam envio e vão reunidos nesta mensagem.",
        "digest_intro_one": "1 alerta esperava envio e vai nesta mensagem.",
        "digest_expired": (
            "{n} passaram do prazo antes de poderem ser enviados e valem só como registro."
        ),
        "digest_expired_one": (
            "1 passou do prazo antes de poder ser enviado e vale só como registro."
        ),
        "digest_left_out": "{n} mais antigos não estão na lista, só na contagem e na auditoria.",
        "digest_left_out_one": "1 mais antigo não está na lista, só na contagem e na auditoria.",
        "digest_lost": (
            "Outros {n} não puderam ser entregues a você; estão na página e na auditoria."
        ),
        "digest_lost_one": ("Outro não pôde ser entregue a você; está na página e na auditoria."),
        "digest_counts": "Contagem",
        "expired": "fora do prazo",
        "notice": "Aviso do sistema de alertas",
        "trouble_store": "Alertas: falha no banco de dados",
        "trouble_feed": "Alertas: falha na alimentação de barras",
        "trouble_certificate": "Alertas: o certificado do servidor não vale",
        "trouble_email": "Alertas: falha no canal de e-mail",
        "trouble_webhook": "Alertas: falha de webhook",
        "trouble_telegram": "Alertas: falha no canal do Telegram",
        "trouble_letters": "Alertas: mensagens que não chegaram",
        "trouble_heartbeat": "Alertas: o sinal de vida não é aceito",
        "trouble_detector": "Alertas: detector desativado",
        "trouble_task": "Alertas: uma parte do programa parou",
        "trouble_named": "{title} ({names})",
        "trouble_more": "mais {n}",
        "trouble_over": "{title}: normalizado",
        "trouble_since": "Desde {since} (horário de Brasília).",
        "trouble_was": "De {since} a {until} (horário de Brasília).",
        "trouble_detail": "O programa diz: {text}",
        "anchor_title": "Alertas: âncora do registro de auditoria",
        "test_title": "Teste do canal de e-mail dos alertas",
        "test_line": "Se você lê esta mensagem, o canal de e-mail funciona: {server}, {security}.",
        "test_nothing": "Nenhum alerta foi gerado; não há nada a fazer.",
    },
    "en": {
        "open": "Open",
        "high": "High",
        "low": "Low",
        "close": "Close",
        "at": "at",
        "price": "Price",
        "time": "Time",
        "symbol": "Symbol",
        "pattern": "Pattern",
        "side": "Side",
        "stop": "Stop",
        "target": "Target",
        "severity": "Severity",
        "confidence": "Confidence",
        "risk_reward": "Risk:reward",
        "bar": "Bar",
        "detected": "Detected",
        "id": "Id",
        "valid_until": "Valid until",
        "sender_name": "Trading alerts",
        "open_page": "Open the alerts' page",
        "alert_price": "alert price",
        "zone": "Brasilia time",
        "changes": "What changed in the bar",
        "money_note": "Distances from the alert's price; R$ per contract (or share), before costs.",
        "points_note": "Distances from the alert's price, before costs.",
        "correction_banner": (
            "Correction: this alert's bar was revised after its close. "
            "The original alert stands as sent; check the chart."
        ),
        "synthetic_banner": "Synthetic data: made up, of no market. Do not trade.",
        "replay_banner": "Replay: bars of the past, played again. Do not trade.",
        "dry_run_banner": "Dry run: made in test mode. Do not trade on this message.",
        "late_banner": (
            "Late: the bar arrived after an interruption of the data. "
            "The market has moved on; check the current price."
        ),
        "disclaimer": "Automatic notice of a statistical detector: this is not investment advice.",
        "digest_subject": "{n} alerts in one message",
        "digest_subject_one": "1 alert that was waiting",
        "digest_subject_expired": "{n} expired",
        "digest_subject_expired_one": "1 expired",
        "digest_title": "Alert digest",
        "digest_intro": "{n} alerts were waiting and are gathered in this message.",
        "digest_intro_one": "1 alert was waiting and is in this message.",
        "digest_expired": "{n} expired before they could be sent and are listed for the record.",
        "digest_expired_one": "1 expired before it could be sent and is listed for the record.",
        "digest_left_out": "{n} older ones are not listed, only counted here and audited.",
        "digest_left_out_one": "1 older one is not listed, only counted here and audited.",
        "digest_lost": "{n} others could not be delivered to you; see the page or the audit log.",
        "digest_lost_one": (
            "Another could not be delivered to you; see the page or the audit log."
        ),
        "digest_counts": "Counts",
        "expired": "expired",
        "notice": "Notice from the alert system",
        "trouble_store": "Alerts: the database fails",
        "trouble_feed": "Alerts: the feed of bars fails",
        "trouble_certificate": "Alerts: the server's certificate does not hold",
        "trouble_email": "Alerts: the e-mail channel fails",
        "trouble_webhook": "Alerts: webhook failure",
        "trouble_telegram": "Alerts: the Telegram channel fails",
        "trouble_letters": "Alerts: messages that reached nobody",
        "trouble_heartbeat": "Alerts: the heartbeat is not accepted",
        "trouble_detector": "Alerts: detector disabled",
        "trouble_task": "Alerts: a part of the program has stopped",
        "trouble_named": "{title} ({names})",
        "trouble_more": "{n} more",
        "trouble_over": "{title}: well again",
        "trouble_since": "Since {since} (Brasilia time).",
        "trouble_was": "From {since} to {until} (Brasilia time).",
        "trouble_detail": "The program says: {text}",
        "anchor_title": "Alerts: anchor of the audit log",
        "test_title": "Test of the alerts' e-mail channel",
        "test_line": "If you read this, the e-mail channel works: {server}, {security}.",
        "test_nothing": "No alert was made; there is nothing to do.",
    },
}
