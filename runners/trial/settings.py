"""Configurations that daemons are tried with."""

from __future__ import annotations

TOKEN = "b" * 43
CONFIG = """
policy: {cooldown_bars: 0, rate_limit_per_minute: 0, window_start: 00:00, window_end: 23:59}
delivery: {websocket: {max_connections: 2000, max_connections_per_token: 2000}}
"""


MAIL = """
delivery:
  websocket: {max_connections: 2000, max_connections_per_token: 2000}
  email:
    enabled: true
    smtp_host: 127.0.0.1
    smtp_port: PORT
    security: none
    recipients: [a@localhost]
policy: {cooldown_bars: 0, rate_limit_per_minute: 0, window_start: 00:00, window_end: 23:59}
"""


EVERY_BAR = """
detection: {enabled: ["runners.trial.every_bar:every"]}
"""
