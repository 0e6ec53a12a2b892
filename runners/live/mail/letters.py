"""What a letter says: its subject, and what its templates show; nothing of how it travels.

``jinja2`` (4.6 MB) and the templates are loaded by the first letter, or by :meth:`Letters.load`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alertlib._version import __version__
from alertlib.config.schema import Email
from alertlib.config.types import NAME_RULE, is_name
from alertlib.market.clock import exchange_time
from alertlib.texts import formats
from alertlib.texts.alerts import SUBJECT_LIMIT, AlertView
from alertlib.texts.contracts import FindContract
from alertlib.texts.track_record import Record, record_text
from alertlib.texts.words import Language
from runners.live.alert_store.records import OutboxRow
from runners.live.database.chain import alert_key
from runners.live.delivery.policy import Letter, message_id
from runners.live.mail.words import MAIL_WORDS

if TYPE_CHECKING:
    from jinja2 import Environment

DIGEST_SHOWN = 60
"""Gmail cuts a message off at 102 KB; sixty lines stay below, whatever their names."""

_NAME = re.compile(r"[A-Za-z0-9$@#._-]{1,32}")
_ID = re.compile(r"[A-Za-z0-9$@#._:|-]{1,128}")
_COLOURS = {"CRITICO": "#b42318", "ALTO": "#b54708", "MEDIO": "#175cd3"}


class Letters:
    """Puts letters into words, in one language, with what is known of the instruments.

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
        self.language: Language = settings.language
        self._find_contract = find_contract
        self._records = records or {}
        self._sender = settings.sender
        self._page_url = settings.page_url
        self.words = MAIL_WORDS[self.language]
        self._environment: Environment | None = None

    def load(self, ending: str = ".j2") -> Environment:
        """Import the template engine and compile the templates of an ``ending``, once."""
        if self._environment is None:
            from jinja2 import Environment, FileSystemLoader, StrictUndefined

            environment = Environment(
                loader=FileSystemLoader(Path(__file__).with_name("templates")),
                autoescape=lambda name: name is not None and name.endswith(".html.j2"),
                undefined=StrictUndefined,
                trim_blocks=True,
                lstrip_blocks=True,
            )
            for name in environment.list_templates(filter_func=lambda name: name.endswith(ending)):
                environment.get_template(name)
            self._environment = environment
        return self._environment

    def plain(self, letter: Letter, now: float) -> tuple[str, str]:
        """Return the subject and the plain text."""
        template, view = self.prepared(letter, now)
        return view["subject"], self.load().get_template(f"{template}.txt.j2").render(view)

    def prepared(self, letter: Letter, now: float) -> tuple[str, dict[str, Any]]:
        """Return the name of a letter's templates and what they show."""
        if letter.kind == "digest":
            template, view = "digest", self._digest(letter, now)
        elif letter.kind == "notice":
            template, view = "notice", self._notice(letter)
        else:
            template, view = "alert", self._alert(letter.rows[0])
        shared = {
            "lang": self.language,
            "w": self.words,
            "page_url": self._page_url,
            "version": __version__,
        }
        return template, shared | view

    def flaw(self, row: OutboxRow) -> str:
        """Return why a copy cannot be shown, one line; empty if it can."""
        try:
            view = self._view(row)
            _digest_line(view, expired=False)
        except Exception as error:
            return f"{type(error).__name__}: {error}"[:200]
        return ""

    def _view(self, row: OutboxRow) -> AlertView:
        """Return the alert of a copy, its names checked: they go into headers."""
        alert = row.alert()
        _matching(_NAME, "symbol", alert["symbol"])
        if not is_name(alert["pattern"]):
            raise ValueError(f"pattern: got {alert['pattern']!r}; expected {NAME_RULE}")
        contract = self._find_contract(alert["symbol"], alert["timeframe"])
        return AlertView(alert, contract, self.language, row.message.type == "correction")

    def _alert(self, row: OutboxRow) -> dict[str, Any]:
        view = self._view(row)
        alert = view.alert
        valid_until = exchange_time(datetime.fromtimestamp(row.expires, UTC))
        return {
            "subject": view.subject,
            "date": view.detected_at,
            "headers": {
                "X-Alertas-Id": _matching(_ID, "id", alert["id"]),
                "X-Alertas-Symbol": alert["symbol"],
                "X-Alertas-Pattern": alert["pattern"],
                "X-Alertas-Severity": _matching(_NAME, "severity", alert["severity"]),
                **({"Importance": "high"} if alert["severity"] == "CRITICO" else {}),
                **(self._answered(row, alert_key(alert)) if view.correction else {}),
            },
            "alert": alert,
            **_shown(view),
            "banners": [self.words[f"{key}_banner"] for key in view.mark_keys],
            "changes": self._changes(view),
            "levels": view.levels,
            "has_money": view.has_money,
            "risk_reward": view.risk_reward,
            "confidence": view.confidence,
            "bar": view.bar_span,
            "detected": view.detected,
            "valid_until": formats.moment(valid_until, self.language),
            "record": record_text(self._records.get(alert["pattern"]), self.language),
        }

    def _answered(self, row: OutboxRow, identifier: str) -> dict[str, str]:
        """Return the headers by which a correction stands beside its alert in a mail reader."""
        name = message_id(identifier, row.recipient, self._sender)
        return {"In-Reply-To": name, "References": name}

    def _changes(self, view: AlertView) -> list[str]:
        """Return what a correction says was revised: ``{"changes": {name: [old, new]}}``."""
        return [
            f"{self.words.get(name, name)}: {view.format_price(old)} → {view.format_price(new)}"
            for name, (old, new) in view.alert.get("changes", {}).items()
        ]

    def _digest(self, letter: Letter, now: float) -> dict[str, Any]:
        views = [self._view(row) for row in letter.rows]
        gone = [row.expires <= now for row in letter.rows]
        newest_first = list(zip(views, gone, strict=True))[::-1]
        shown = [_digest_line(view, expired) for view, expired in newest_first[:DIGEST_SHOWN]]
        counts = Counter((view.alert["symbol"], view.pattern, view.side) for view in views)
        total, expired = len(views), sum(gone)
        said = [("digest_intro", total), ("digest_expired", expired)]
        said += [("digest_left_out", total - len(shown)), ("digest_lost", letter.lost)]
        return {
            "subject": self._counted("digest_subject", total)
            + (f", {self._counted('digest_subject_expired', expired)}" if expired else ""),
            "date": views[-1].detected_at,
            "headers": {"X-Alertas-Count": str(total)},
            "said": [self._counted(key, count) for key, count in said if count],
            "lines": shown,
            "counts": [
                (*key, formats.number(n, 0, self.language)) for key, n in counts.most_common()
            ],
        }

    def _counted(self, key: str, count: int) -> str:
        """Return the sentence ``key`` for a number of alerts, in the singular for one."""
        sentence = self.words[f"{key}_one" if count == 1 else key]
        return sentence.format(n=formats.number(count, 0, self.language))

    def _notice(self, letter: Letter) -> dict[str, Any]:
        notice = letter.notice or {}
        title = " ".join(str(notice["title"]).split())
        return {
            "subject": title[:SUBJECT_LIMIT],
            "date": datetime.fromisoformat(notice["time"]),
            "headers": {},
            "title": title,
            "time": formats.moment(formats.brasilia(notice["time"]), self.language, seconds=True),
            "lines": [str(line) for line in notice["lines"]],
        }


def _digest_line(view: AlertView, expired: bool) -> dict[str, Any]:
    levels = {level.key: level.price for level in view.levels}
    return {
        "time": view.closed,
        "symbol": view.alert["symbol"],
        **_shown(view),
        "stop": levels.get("stop", formats.UNDEFINED),
        "target": levels.get("target", formats.UNDEFINED),
        "marks": view.marks,
        "expired": expired,
    }


def _shown(view: AlertView) -> dict[str, str]:
    """Return what a mail of one alert and a line of a digest both show."""
    return {
        "pattern": view.pattern,
        "severity": view.severity,
        "colour": _COLOURS.get(view.alert["severity"], "#475467"),
        "arrow": "▲" if view.alert["direction"] > 0 else "▼",
        "side": view.side,
        "price": view.price,
    }


def _matching(expected: re.Pattern[str], key: str, value: object) -> str:
    if not isinstance(value, str) or not expected.fullmatch(value):
        raise ValueError(f"{key}: got {value!r}; expected {expected.pattern}")
    return value
