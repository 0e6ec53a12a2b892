"""Mistakes in the file, and the one line each of them is answered with."""

from __future__ import annotations

import pytest

from tests.support.config_files import Load, load, refusal

__all__ = ["load"]

SECTION_KEYS = "data, detection, policy, trade, scoring, gate, delivery, live, audit, chosen"


class TestMistakes:
    @pytest.mark.parametrize(
        ("text", "message"),
        [
            # keys
            ("polcy: {}", f"1: polcy: got an unknown key, expected one of {SECTION_KEYS}; "
             "did you mean policy?"),
            ("policy:\n  windw_end: 1", "2: policy.windw_end: got an unknown key, expected one of "
             "min_severity, window_start, window_end, rate_limit_per_minute, cooldown_bars; "
             "did you mean window_end?"),
            ("volatility: {}", "1: volatility: got an unknown key, expected one of "
             f"{SECTION_KEYS}; did you mean detection.volatility?"),
            ("detection: {engulfing: {x: 1}}", "1: detection.engulfing.x: got an unknown key, "
             "expected no keys here"),
            ("policy:\n  cooldown_bars: 1\n  cooldown_bars: 2", "3: policy.cooldown_bars: got the "
             "key twice (first in line 2), expected it once"),
            ("policy: {}\ntrade: {}\npolicy: {}", "3: policy: got the key twice (first in line 1), "
             "expected it once"),
            ("<<: {policy: {}}", f"1: <<: got an unknown key, expected one of {SECTION_KEYS}"),
            ('"": 1', '1: got the key "", expected a name'),
            ('"a\\nb": 1', '1: got the key "a\\nb" with control characters, expected a name'),
            ("? [a]\n: 1", "1: got a list or section as a key, expected a name"),
            # shapes
            ("- policy", f"1: got a list, expected a section with the keys {SECTION_KEYS}"),
            ("policy", f"1: got policy, expected a section with the keys {SECTION_KEYS}"),
            ("policy: null", "1: policy: got null, expected a section with the keys min_severity, "
             "window_start, window_end, rate_limit_per_minute, cooldown_bars"),
            ("policy: []", "1: policy: got an empty list, expected a section with the keys "
             "min_severity, window_start, window_end, rate_limit_per_minute, cooldown_bars"),
            ("data:\n  source: {a: 1}", "2: data.source: got a section, expected a path or null"),
            ("data:\n  symbols: WIN$N", "2: data.symbols: got WIN$N, expected a list, [] for none; "
             "each item: a section with the keys symbol, timeframes, tick, point_value, "
             "fees_points, session_open, session_close, hours, fees"),
            ("data:\n  symbols:\n    - tick: 5", "3: data.symbols[0]: got no symbol, expected the "
             "key symbol: a symbol of 1-32 letters, digits or $@#._-"),
            ("data:\n  symbols:\n    - symbol: A\n      timeframes: [M5,\n        M7]",
             "5: data.symbols[0].timeframes[1]: got M7, expected a timeframe: M1 … M30, H1 … H12 "
             "or D1"),
            ("data:\n  symbols:\n    - symbol: A\n      hours:\n        - {since: 2026-02-30, "
             "open: 09:00, close: 18:00}",
             "5: data.symbols[0].hours[0].since: got 2026-02-30, expected a day of the calendar"),
            ("data:\n  symbols:\n    - symbol: A\n      hours: [{since: 2026-01-05, open: 18:00, "
             "close: 09:00}]",
             "4: data.symbols[0].hours[0].open: got 18:00, expected a time before close, 09:00"),
            ("data:\n  symbols:\n    - symbol: A\n      fees:\n        - {since: 2026-01-05, "
             "points: 2}\n        - {since: 2026-01-05, points: 3}",
             "6: data.symbols[0].fees[1].since: got 2026-01-05, expected a day after 2026-01-05, "
             "in order"),
            ("data:\n  symbols:\n    - symbol: A\n      fees: [{since: 5 May, points: 2}]",
             '4: data.symbols[0].fees[0].since: got 5 May, expected a date such as 2021-03-31'),
            # limits
            ("audit: {retention_years: 4.9}", "1: audit.retention_years: got 4.9, expected a "
             "number from 5 to 100"),
            ("scoring: {seed: -1}", "1: scoring.seed: got -1, expected a whole number from 0 to "
             "9223372036854775807"),
            ("trade: {fees_points: -1}", "1: trade.fees_points: got -1, expected a number of at "
             "least 0 or null"),
            ("data: {source: '" + "x" * 5000 + "'}", '1: data.source: got "' + "x" * 59
             + "… (5002 characters), expected a path or null"),
            ("data: {source: ' '}", '1: data.source: got " ", expected a path or null'),
            # YAML
            ("policy:\n\tcooldown_bars: 3", "2: got a tab, expected printable text, indented with "
             "spaces"),
            ("a: \x07", "1: got the character U+0007, expected printable text, indented with "
             "spaces"),
            ("a: \u2028", "1: got the character U+2028, expected printable text, indented with "
             "spaces"),
            ("policy:\n  cooldown_bars: 3\n---\npolicy: {}", "3: got a second document, expected "
             "one document"),
            ("data: {source: !!str x}", "1: data.source: got a tag (!name), expected no tag, or "
             "quotes around a text that starts with !"),
            ("!x {data: {}}", "1: got a tag (!name), expected no tag, or quotes around a text that "
             "starts with !"),
            ("data:\n  source: |\n    x", "2: data.source: got a text over several lines, expected "
             "one line, and the keys of a section indented alike"),
            ("data:\n  source: 'x\n   y'", "2: data.source: got a text over several lines, "
             "expected one line, and the keys of a section indented alike"),
            ("data:\n  source: x: y", "2: got invalid YAML (mapping values are not "
             "allowed here), expected 'key: value' lines, the keys of a section indented alike, "
             "and quotes around a text with ': ' or ' #' in it"),
            ("data:\n  source: 'x\n\n# y\n", "2: got invalid YAML (while scanning a quoted scalar "
             "found unexpected end of stream), expected the closing quote in the same line"),
            ("data: {source: x\n\n\n", "1: got invalid YAML (while parsing a flow mapping expected "
             "',' or '}', but got '<stream end>'), expected a closing bracket, and quotes around a "
             "text with a comma or bracket in it"),
            ("data:\n  symbol: @WIN", "2: got invalid YAML (while scanning for the next token "
             "found character '@' that cannot start any token), expected quotes around a value "
             "that starts with this sign"),
            ('data:\n  source: "C:\\data"', "2: got invalid YAML (while scanning a double-quoted "
             "scalar found unknown escape character 'd'), expected a text in single quotes, where "
             "a backslash is a backslash"),
            ('data:\n  source: "C:\\new"', '2: data.source: got "C:\\new" with control characters, '
             "expected a path or null"),
            ('data:\n  source: "\\UFFFFFFFF"', '2: got an escape that names no character, such as '
             '"\\UFFFFFFFF", expected a text in single quotes, where a backslash is a backslash'),
            ('data:\n  source: "\\ud800"', '2: data.source: got "\\ud800" with control characters, '
             "expected a path or null"),
        ],
    )  # fmt: skip
    def test_one_line_says_where_what_and_what_instead(
        self, load: Load, text: str, message: str
    ) -> None:
        assert refusal(load, text) == message

    @pytest.mark.parametrize(
        ("raw", "message"),
        [
            ("# a\n# ação".encode("latin-1"), "2: got byte 0xe7, which is not UTF-8, expected"),
            ("policy: {}".encode("utf-16"), "1: got byte 0xff, which is not UTF-8, expected"),
            ("policy: {}".encode("utf-16-le"), "1: got the character U+0000, expected printable"),
        ],
    )
    def test_another_encoding(self, load: Load, raw: bytes, message: str) -> None:
        assert refusal(load, raw).startswith(message)

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("a: &a [x]\nb: [" + "*a, " * 9 + "*a]", "1: a: got an anchor or alias"),
            ("policy: *p", "1: policy: got an anchor or alias"),
            ("- " * 4000, "1: [0][0][0][0][0][0][0][0][0][0][0][0][0]: got deeper nesting"),
            ("{a: " * 2000, "1: a.a.a.a.a.a.a.a.a.a.a.a.a: got deeper nesting"),
            ("[" * 900_000, "1: got a line of 900,000 characters, expected at most 10,000"),
            ("".join(f"k{n}: 1\n" for n in range(6000)), "4999: got more than 10,000 values"),
            ("#" * 1_000_001, "1: got more than 1,000,000 bytes"),
        ],
        ids=["alias", "dangling", "nested-lists", "nested-sections", "one-line", "many", "large"],
    )
    def test_bombs_are_refused_before_they_cost_anything(
        self, load: Load, text: str, message: str
    ) -> None:
        assert refusal(load, text).startswith(message)


class TestBetweenSettings:
    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("policy:\n  window_start: 17:30", "2: policy.window_start: got 17:30, expected a time "
             "before window_end, 17:30"),
            ("policy:\n  window_end: 09:00", "2: policy.window_start: got 09:05, expected a time "
             "before window_end, 09:00"),
            ("detection:\n  rsi_divergence: {max_bars: 4}", "2: detection.rsi_divergence.min_bars: "
             "got 5, expected at most max_bars, 4"),
            ("detection:\n  enabled: [breakout, breakot]", "2: detection.enabled[1]: got breakot, "
             "expected volatility, engulfing, rsi_divergence, breakout, directional_change or "
             "package.module:name; did you mean breakout?"),
            ("detection:\n  enabled: [volatility, volatilidade]", "2: detection.enabled[1]: got "
             "volatility twice, expected each one once"),
            ("detection:\n  custom:\n    breakout: {n: 1}", "3: detection.custom.breakout: got a "
             "built-in detector, expected a detector of your own; parameters of breakout belong in "
             "detection.breakout"),
            ("scoring:\n  labels: file", "2: scoring.labels_file: got null, expected the path of a "
             "labels file, as scoring.labels is 'file'"),
            ("delivery:\n  email:\n    enabled: true", "3: delivery.email.recipients: got an empty "
             "list, expected at least one address, or delivery.email.enabled: false"),
            ("delivery:\n  email:\n    smtp_host: mail.example.com\n    security: none",
             "4: delivery.email.security: got none, expected starttls or tls, as mail.example.com "
             "is not this machine"),
            ("delivery:\n  email:\n    recipients:\n    - a@b.c\n    - d@b.c\n    - A@b.c",
             "6: delivery.email.recipients[2]: got a@b.c twice, expected each one once"),
            ("delivery:\n  websocket:\n    url: 'wss://h:1'\n    certificate_file: c.pem",
             "3: delivery.websocket.key_file: got null, expected a PEM file, as url is wss://…; "
             "behind a TLS proxy url is ws://…"),
            ("delivery:\n  websocket:\n    certificate_file: c.pem\n    key_file: k.pem",
             "3: delivery.websocket.url: got ws://localhost:8765, expected wss://…, as a "
             "certificate or a key is given"),
            ("delivery:\n  websocket:\n    origins: ['https://a', 'https://a']",
             "3: delivery.websocket.origins[1]: got https://a twice, expected each one once"),
            ("data:\n  symbols:\n    - symbol: A\n    - symbol: A", "4: data.symbols[1].symbol: "
             "got A twice, expected each one once"),
            ("data:\n  symbols:\n    - {symbol: A, timeframes: []}",
             "3: data.symbols[0].timeframes: got an empty list, expected at least one timeframe"),
            ("data:\n  symbols:\n    - symbol: A\n      session_open: 10:00", "4: data.symbols[0]."
             "session_close: got nothing, expected a time of day, as the other one is given"),
            ("data:\n  symbols:\n    - {symbol: A, session_close: 10:00}", "3: data.symbols[0]."
             "session_open: got nothing, expected a time of day, as the other one is given"),
            ("data:\n  symbols:\n    - {symbol: A, session_open: 10:00, session_close: 10:00}",
             "3: data.symbols[0].session_open: got 10:00, expected a time before session_close, "
             "10:00"),
        ],
    )  # fmt: skip
    def test_a_contradiction_is_located(self, load: Load, text: str, message: str) -> None:
        assert refusal(load, text) == message

    @pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.9.9.9", "'::1'"])
    def test_mail_without_encryption_stays_on_this_machine(self, load: Load, host: str) -> None:
        text = f"delivery: {{email: {{security: none, smtp_host: {host}}}}}"
        assert load(text).delivery.email.security.name == "none"
