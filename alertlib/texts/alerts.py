"""What traders read of an alert: its labels, its levels and its one-line texts.

Shared by the alert's ``text`` field and the e-mails, so that a price or a name looks the same
wherever it is seen. Standard library only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, NamedTuple

from alertlib.config.types import minutes
from alertlib.texts import formats, words
from alertlib.texts.formats import brasilia, moment
from alertlib.texts.words import Language

SUBJECT_LIMIT = 100
"""RFC 5322 would have lines of 78; a folded header may be longer, and no reader minds."""

_DOT = " · "
# "synthetic" stands for the figures of a scorecard in sentences.
_MARK_WORDS = {"synthetic": "synthetic_mark"}
_MARKS = ("synthetic", "replay", "dry_run", "late")


class Contract(NamedTuple):
    """What turns a price into text: both are None where they are not known.

    Attributes
    ----------
    tick : float or None
        Smallest price step in points; decides how many decimals a price shows.
    point_value : float or None
        R$ per point and contract; without it no R$ are stated.
    """

    tick: float | None = None
    point_value: float | None = None


UNKNOWN = Contract()


class Level(NamedTuple):
    """A price of the proposed trade, ready to print; ``distance`` is empty where unknown."""

    key: Literal["target", "entry", "stop"]
    label: str
    price: str
    distance: str


@dataclass(frozen=True, slots=True)
class AlertView:
    """An alert as one language shows it: what is read from it is text, ready to print.

    Times are to be had both ways: ``bar_close`` and ``detected_at`` are Brasilia time to reckon
    with, ``closed`` and ``detected`` the same as text.

    Attributes
    ----------
    alert : mapping
        The alert's JSON object.
    correction : bool
        Whether it is sent again because its bar was revised.
    """

    alert: Mapping[str, Any]
    contract: Contract = UNKNOWN
    language: Language = "pt-BR"
    correction: bool = False

    @property
    def pattern(self) -> str:
        return self._word(self.alert["pattern"])

    @property
    def severity(self) -> str:
        return self._word(self.alert["severity"])

    @property
    def side(self) -> str:
        return words.side(self.alert["direction"], self.language)

    @property
    def price(self) -> str:
        return self.format_price(self.alert["price"])

    @property
    def confidence(self) -> str:
        return formats.percent(self.alert.get("confidence"), 0, self.language)

    @property
    def risk_reward(self) -> str:
        """The reward per unit of risk as ``1:1,5``; empty where the alert has none."""
        ratio = self.alert.get("risk_reward")
        return "" if ratio is None else f"1:{formats.number(round(ratio, 2), None, self.language)}"

    @property
    def bar_close(self) -> datetime:
        """When the alert's bar closed, in Brasilia time: its open plus the timeframe."""
        return self._bar_open + timedelta(minutes=minutes(self.alert["timeframe"]))

    @property
    def closed(self) -> str:
        return moment(self.bar_close, self.language)

    @property
    def bar_span(self) -> str:
        """The alert's bar from open to close: ``01/03/2024 09:35–09:40``."""
        return f"{moment(self._bar_open, self.language)}–{self.bar_close:%H:%M}"

    @property
    def detected_at(self) -> datetime:
        """When the alert was detected, in Brasilia time."""
        return brasilia(self.alert["detected_at"])

    @property
    def detected(self) -> str:
        return moment(self.detected_at, self.language, seconds=True)

    @property
    def mark_keys(self) -> list[str]:
        """What sets the alert apart from an ordinary one, gravest first."""
        others = [key for key in _MARKS if self.alert.get(key)]
        return ["correction", *others] if self.correction else others

    @property
    def marks(self) -> list[str]:
        return [self._word(_MARK_WORDS.get(key, key)) for key in self.mark_keys]

    @property
    def has_money(self) -> bool:
        """Whether distances are stated in R$, too."""
        return self.contract.point_value is not None

    @property
    def levels(self) -> list[Level]:
        """Target, entry and stop, highest profit first; those the alert lacks are left out.

        Distances are measured from the alert's price and carry the sign of the profit or loss:
        a stop is negative on either side of the market.
        """
        found = (self._level("target"), self._entry(), self._level("stop"))
        return [level for level in found if level is not None]

    @property
    def text(self) -> str:
        """The alert as one line: what, where, levels, and how sure the detector is."""
        head = (
            f"{self._brackets}{self.alert['symbol']} {self.alert['timeframe']}: "
            f"{self.pattern}, {self.side} {self._word('at')} {self.price}"
        )
        parts = [
            f"{level.label.lower()} {level.price}"
            + (f" ({level.distance})" if level.distance else "")
            for level in self.levels
        ]
        if self.risk_reward:
            parts.append(f"{self._word('risk_reward').lower()} {self.risk_reward}")
        parts.append(
            f"{self._word('severity').lower()} {self.severity}, "
            f"{self._word('confidence').lower()} {self.confidence}"
        )
        return f"{head}; {'; '.join(parts)}; {self.closed}"

    @property
    def subject(self) -> str:
        """A subject line of at most ``SUBJECT_LIMIT`` characters, what to act on first.

        A telephone shows some forty: symbol, side, price, stop, target and the bar's close come
        before the pattern's name, which may be long, and the severity.
        """
        found = (self._level("stop"), self._level("target"))
        levels = [f"{level.label.lower()} {level.price}" for level in found if level is not None]
        traded = f"{self.alert['symbol']} {self.side} {self.price}"
        head = f"{self._brackets}{', '.join([traded, *levels])}, {self.bar_close:%H:%M}"
        room = SUBJECT_LIMIT - len(head) - len(_DOT)
        for tail in (f"{self.pattern}{_DOT}{self.severity}", _cut(self.pattern, max(room, 0))):
            if 8 <= len(tail) <= room:
                return f"{head}{_DOT}{tail}"
        return head[:SUBJECT_LIMIT]

    def format_price(self, value: float | None) -> str:
        """Return a price of the alert's instrument, with as many decimals as its tick has."""
        return formats.price(value, self.contract.tick, self.language)

    @property
    def _bar_open(self) -> datetime:
        return brasilia(self.alert["bar_time"])

    @property
    def _brackets(self) -> str:
        return f"[{', '.join(self.marks)}] " if self.marks else ""

    def _word(self, key: str) -> str:
        return words.word(key, self.language)

    def _entry(self) -> Level | None:
        low, high = self.alert.get("entry_min"), self.alert.get("entry_max")
        if low is None or high is None:
            return None
        # Two ends may differ and still be written alike.
        ends = dict.fromkeys((self.format_price(low), self.format_price(high)))
        return Level("entry", self._word("entry"), " – ".join(ends), "")

    def _level(self, key: Literal["target", "stop"]) -> Level | None:
        value = self.alert.get(key)
        if value is None:
            return None
        profit = (value - self.alert["price"]) * self.alert["direction"]
        return Level(key, self._word(key), self.format_price(value), self._distance(profit))

    def _distance(self, profit: float) -> str:
        text = formats.points(profit, self.contract.tick, self.language)
        if self.contract.point_value is None:
            return text
        value = profit * self.contract.point_value
        return f"{text}, {formats.money(value, self.language, signed=True)}"


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"
