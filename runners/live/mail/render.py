"""Letters as messages: a subject, a plain text and an HTML part that say the same.

``jinja2`` (4.6 MB) and the templates are loaded by the first message, or by :meth:`Renderer.load`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alertlib._version import __version__
from alertlib.config.schema import Email
from alertlib.texts import alerts, formats, words
from alertlib.texts.alerts import Contract
from alertlib.texts.contracts import FindContract
from alertlib.texts.track_record import Record, record_text
from alertlib.texts.words import Language
from runners.live.alert_store.records import OutboxRow
from runners.live.mail.policy import Letter
from runners.live.mail.words import MAIL_WORDS

if TYPE_CHECKING:
    from jinja2 import Environment

DIGEST_SHOWN = 60
"""Gmail cuts a message off at 102 KB; sixty lines stay below, whatever their names."""

_NAME = re.compile(r"[A-Za-z0-9$@#._-]{1,32}")
_ID = re.compile(r"[A-Za-z0-9$@#._:|-]{1,128}")
_COLOURS = {"CRITICO": "#b42318", "ALTO": "#b54708", "MEDIO": "#175cd3"}


class Renderer:
    """Turns letters into bytes, in one language, with what is known of the instruments.

    Parameters
    ----------
    settings : Email
    find_contract : callable
        Takes symbol and timeframe.
    records : mapping of pattern to Record, optional
        Figures of the last scorecard. A pattern without any is said nothing about.
    """

    def __init__(
        self,
        settings: Email,
        find_contract: FindContract,
        records: Mapping[str, Record] | None = None,
    ) -> None:
        self._language: Language = settings.language
        self._find_contract = find_contract
        self._records = records or {}
        self._sender = settings.sender
        self._words = MAIL_WORDS[self._language]
        self._environment: Environment | None = None

    def load(self) -> Environment:
        """Import the template engine and compile the templates, once."""
        if self._environment is None:
            from jinja2 import Environment, FileSystemLoader, StrictUndefined

            environment = Environment(
                loader=FileSystemLoader(Path(__file__).with_name("templates")),
                autoescape=lambda name: name is not None and name.endswith(".html.j2"),
                undefined=StrictUndefined,
                trim_blocks=True,
                lstrip_blocks=True,
            )
            for name in environment.list_templates(extensions=["j2"]):
                environment.get_template(name)
            self._environment = environment
        return self._environment

    def message(self, letter: Letter, now: float) -> bytes:
        """Return the message as it goes over the wire, ASCII only.

        The same letter gives the same bytes on every attempt, but for what of a digest has
        expired meanwhile.

        Raises
        ------
        ValueError, KeyError
            The payload is not what it says it is.
        """
        if letter.kind == "digest":
            template, view = "digest", self._digest(letter, now)
        elif letter.kind == "notice":
            template, view = "notice", self._notice(letter)
        else:
            template, view = "alert", self._alert(letter.rows[0])
        shared = {"lang": self._language, "w": self._words, "version": __version__, **view}
        message = EmailMessage(policy=SMTP)
        message["From"] = self._sender
        message["To"] = letter.recipient
        message["Subject"] = view["subject"]
        message["Date"] = format_datetime(view["date"])
        message["Message-ID"] = letter.message_id
        for name, value in view["headers"].items():
            message[name] = value
        message["Auto-Submitted"] = "auto-generated"
        message["X-Auto-Response-Suppress"] = "All"
        message["X-Alertas-Kind"] = letter.kind
        # Quoted-printable, so that no server needs to know 8BITMIME.
        environment = self.load()
        for subtype, ending in (("plain", "txt"), ("html", "html")):
            body = environment.get_template(f"{template}.{ending}.j2").render(shared)
            add = message.set_content if subtype == "plain" else message.add_alternative
            add(body, subtype=subtype, cte="quoted-printable")
        # After the parts: adding one moves the headers called Content-… into it.
        message["Content-Language"] = self._language
        message.set_boundary(f"alertas-{letter.message_id.strip('<>').partition('@')[0]}")
        return message.as_bytes()

    def _alert(self, row: OutboxRow) -> dict[str, Any]:
        alert = _payload(row)
        correction = row.message.type == "correction"
        lang, contract = self._language, self._find_contract(alert["symbol"], alert["timeframe"])
        detected = formats.brasilia(alert["detected_at"])
        marked = (("correction", correction), *((k, alert.get(k)) for k in ("dry_run", "late")))
        return {
            "subject": alerts.subject(alert, contract, lang, correction=correction),
            "date": detected,
            "headers": {
                "X-Alertas-Id": _matching(_ID, "id", alert["id"]),
                "X-Alertas-Symbol": alert["symbol"],
                "X-Alertas-Pattern": alert["pattern"],
                "X-Alertas-Severity": _matching(_NAME, "severity", alert["severity"]),
                **({"Importance": "high"} if alert["severity"] == "CRITICO" else {}),
            },
            "alert": alert,
            "colour": _COLOURS.get(alert["severity"], "#475467"),
            "pattern": words.word(alert["pattern"], lang),
            "severity": words.word(alert["severity"], lang),
            "arrow": "▲" if alert["direction"] > 0 else "▼",
            "side": words.side(alert["direction"], lang),
            "price": formats.price(alert["price"], contract.tick, lang),
            "banners": [self._words[f"{key}_banner"] for key, holds in marked if holds],
            "changes": self._changes(alert, contract),
            "levels": alerts.levels(alert, contract, lang),
            "has_money": contract.point_value is not None,
            "risk_reward": alerts.risk_reward(alert, lang),
            "confidence": formats.percent(alert.get("confidence"), 0, lang),
            "bar": alerts.bar_span(alert, lang),
            "detected": formats.moment(detected, lang, seconds=True),
            "record": record_text(self._records.get(alert["pattern"]), lang),
        }

    def _changes(self, alert: Mapping[str, Any], contract: Contract) -> list[str]:
        """Return what a correction says was revised: ``{"changes": {name: [old, new]}}``."""
        return [
            f"{self._words.get(name, name)}: {old} → {new}"
            for name, values in alert.get("changes", {}).items()
            for old, new in [(formats.price(v, contract.tick, self._language) for v in values)]
        ]

    def _digest(self, letter: Letter, now: float) -> dict[str, Any]:
        lang = self._language
        alerts = [_payload(row) for row in letter.rows]
        gone = [row.expires <= now for row in letter.rows]
        newest_first = list(zip(alerts, gone, letter.rows, strict=True))[::-1]
        shown = [
            self._digest_line(alert, expired, row)
            for alert, expired, row in newest_first[:DIGEST_SHOWN]
        ]
        counts = Counter(
            (a["symbol"], words.word(a["pattern"], lang), words.side(a["direction"], lang))
            for a in alerts
        )
        total, expired = len(alerts), sum(gone)
        said = [("digest_intro", total), ("digest_expired", expired)]
        said.append(("digest_left_out", total - len(shown)))
        return {
            "subject": self._counted("digest_subject", total)
            + (f", {self._counted('digest_subject_expired', expired)}" if expired else ""),
            "date": formats.brasilia(alerts[-1]["detected_at"]),
            "headers": {"X-Alertas-Count": str(total)},
            "said": [self._counted(key, count) for key, count in said if count],
            "lines": shown,
            "counts": [(*key, formats.number(n, 0, lang)) for key, n in counts.most_common()],
        }

    def _counted(self, key: str, count: int) -> str:
        """Return the sentence ``key`` for a number of alerts, in the singular for one."""
        sentence = self._words[f"{key}_one" if count == 1 else key]
        return sentence.format(n=formats.number(count, 0, self._language))

    def _digest_line(
        self, alert: Mapping[str, Any], expired: bool, row: OutboxRow
    ) -> dict[str, Any]:
        lang, contract = self._language, self._find_contract(alert["symbol"], alert["timeframe"])
        levels = {level.key: level.price for level in alerts.levels(alert, contract, lang)}
        return {
            "time": formats.moment(alerts.bar_close(alert), lang),
            "symbol": alert["symbol"],
            "pattern": words.word(alert["pattern"], lang),
            "severity": words.word(alert["severity"], lang),
            "colour": _COLOURS.get(alert["severity"], "#475467"),
            "arrow": "▲" if alert["direction"] > 0 else "▼",
            "side": words.side(alert["direction"], lang),
            "price": formats.price(alert["price"], contract.tick, lang),
            "stop": levels.get("stop", formats.UNDEFINED),
            "target": levels.get("target", formats.UNDEFINED),
            "marks": alerts.marks(alert, lang, correction=row.message.type == "correction"),
            "expired": expired,
        }

    def _notice(self, letter: Letter) -> dict[str, Any]:
        notice = letter.notice or {}
        title = " ".join(str(notice["title"]).split())
        return {
            "subject": title[: alerts.SUBJECT_LIMIT],
            "date": datetime.fromisoformat(notice["time"]),
            "headers": {},
            "title": title,
            "time": formats.moment(formats.brasilia(notice["time"]), self._language, seconds=True),
            "lines": [str(line) for line in notice["lines"]],
        }


def _payload(row: OutboxRow) -> dict[str, Any]:
    """Return the alert of a copy, its names checked: they go into headers."""
    alert = row.alert()
    for key in ("symbol", "pattern"):
        _matching(_NAME, key, alert[key])
    return alert


def _matching(expected: re.Pattern[str], key: str, value: object) -> str:
    if not isinstance(value, str) or not expected.fullmatch(value):
        raise ValueError(f"{key}: got {value!r}; expected {expected.pattern}")
    return value
