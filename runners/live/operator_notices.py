"""What the operator is mailed: trouble that lasts, that it is over, and a daily anchor."""

from __future__ import annotations

import logging
import time
from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from alertlib.config.schema import Email
from alertlib.market.clock import exchange_time
from alertlib.texts.formats import moment
from runners.live.alert_store.records import Batch
from runners.live.alert_store.store import Store
from runners.live.health import Reason
from runners.live.mail.words import MAIL_WORDS

if TYPE_CHECKING:
    from runners.live.mail.mailer import Mailer

ANCHOR_KEY = "anchor_mailed"
LASTING_SECONDS = 60.0
"""Trouble is told of once it has been there for so long, its interruptions left out."""
OVER_SECONDS = 300.0
"""It is over once it has been away for so long."""
PER_HOUR = 4
"""Notices of one kind; what is still so afterwards is told then."""

_HOUR = 3_600.0
_LONGEST_STEP = 5.0
# One client's connection is that client's affair; /health and /metrics show it.
_NEVER = ("websocket",)
# What could not travel while it lasts, and would be old news when it does: its end is told.
_AFTERWARDS = ("email",)
# Letters are lost once; that none was of late is no news.
_NO_END = ("letters",)

_log = logging.getLogger("alertas.live")


@dataclass(slots=True)
class Trouble:
    """One kind of trouble, from its first sight until it is over.

    Attributes
    ----------
    began, seen : float
        First and last sight, Unix seconds, for people.
    at : float
        Last sight, on a clock that never jumps.
    seconds : float
        How long it was there.
    """

    kind: str
    text: str
    began: float
    seen: float
    at: float
    seconds: float = 0.0
    is_told: bool = False


class Watch:
    """Decides when the operator hears of what; without a clock of its own.

    Parameters
    ----------
    tell : callable
        Takes a :class:`Trouble`, and whether it is over.
    """

    def __init__(self, tell: Callable[[Trouble, bool], None]) -> None:
        self._tell = tell
        self._troubles: dict[str, Trouble] = {}
        self._told: defaultdict[str, deque[float]] = defaultdict(deque)
        self._looked = 0.0

    def look(self, reasons: Sequence[Reason], now: float, wall: float) -> None:
        """Take in what is wrong.

        Parameters
        ----------
        now : float
            Seconds of a monotonic clock.
        wall : float
            Unix seconds.
        """
        present = {one.kind: one.text for one in reversed(reasons) if one.kind not in _NEVER}
        step, last_look, self._looked = now - self._looked, self._looked, now
        for kind, text in present.items():
            trouble = self._troubles.setdefault(kind, Trouble(kind, text, wall, wall, now))
            if trouble.at == last_look:
                # A daemon that stood still has not seen trouble all the while.
                trouble.seconds += min(step, _LONGEST_STEP)
            trouble.text, trouble.seen, trouble.at = text, wall, now
            if not trouble.is_told and trouble.seconds >= LASTING_SECONDS:
                trouble.is_told = self._say(trouble, now, is_over=False)
        for kind, trouble in list(self._troubles.items()):
            if now - trouble.at >= OVER_SECONDS and (
                not trouble.is_told or self._say(trouble, now, is_over=True)
            ):
                del self._troubles[kind]

    def _say(self, trouble: Trouble, now: float, *, is_over: bool) -> bool:
        """Tell unless enough was told within the hour; whether it was."""
        told = self._told[trouble.kind]
        while told and now - told[0] >= _HOUR:
            told.popleft()
        if len(told) >= PER_HOUR:
            return False
        told.append(now)
        self._tell(trouble, is_over)
        return True


class Operator:
    """Tells whoever looks after the daemon.

    Parameters
    ----------
    store : Store
    mailer : Mailer or None
        Without one, notices are log lines only.
    email : Email
        Without an ``operator`` nobody is mailed: notices and anchors are not for traders.
    """

    def __init__(self, store: Store, mailer: Mailer | None, email: Email) -> None:
        self._store = store
        self._mailer = mailer if email.operator is not None else None
        self._language = email.language
        self._words = MAIL_WORDS[email.language]
        self._watch = Watch(self._tell)
        self._anchored = b""

    def look(self, reasons: list[Reason]) -> None:
        """Tell what there is to tell."""
        self._watch.look(reasons, time.monotonic(), time.time())
        if self._mailer is not None and self._store.trouble() is None:
            self._mail_anchor(self._mailer)

    def _mail_anchor(self, mailer: Mailer) -> None:
        """Once a day, mail the head of the audit log.

        The log cannot see its own cut tail; a number and a hash kept elsewhere can.
        """
        today = datetime.now(UTC).date().isoformat().encode()
        if self._anchored == today:
            return
        if self._store.state(ANCHOR_KEY) != today:
            path, (seq, digest) = self._store.path, self._store.audit_head
            how = f"python -m runners.audit verify --db {path} --anchor {seq}:{digest}"
            mailer.notice(self._words["anchor_title"], [f"{seq}:{digest}", how], "anchor")
            self._store.commit(Batch(state={ANCHOR_KEY: today}))
        self._anchored = today

    def _tell(self, trouble: Trouble, is_over: bool) -> None:
        extra = {"kind": trouble.kind, "reason": trouble.text, "is_over": is_over}
        _log.warning("notice", extra=extra)
        left_out = _NO_END if is_over else _AFTERWARDS
        if self._mailer is not None and trouble.kind not in left_out:
            self._mailer.notice(*self._notice(trouble, is_over), trouble.kind)

    def _notice(self, trouble: Trouble, is_over: bool) -> tuple[str, list[str]]:
        title = self._words[f"trouble_{trouble.kind}"]
        key = "trouble_was" if is_over else "trouble_since"
        when = self._words[key].format(
            since=self._shown(trouble.began), until=self._shown(trouble.seen)
        )
        said = self._words["trouble_detail"].format(text=trouble.text)
        return self._words["trouble_over"].format(title=title) if is_over else title, [when, said]

    def _shown(self, seconds: float) -> str:
        time_ = exchange_time(datetime.fromtimestamp(seconds, UTC))
        return moment(time_, self._language, seconds=True)
