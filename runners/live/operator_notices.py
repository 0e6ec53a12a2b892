"""What the operator is mailed: trouble that lasts, that it is over, and a daily anchor."""

from __future__ import annotations

import logging
import time
from collections import defaultdict, deque
from collections.abc import Callable, Hashable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from alertlib.config.schema import Email
from alertlib.errors import StorageError
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
"""Notices about one thing; what is still so afterwards is told then."""
LETTERS_AT_ONCE, GATHERING_SECONDS = 2, 300.0
"""So many letters about things of one kind in so long; what comes meanwhile goes into the next."""

_HOUR = 3_600.0
_NAMES_IN_TITLE = 3
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
    """What ails one thing, from its first sight until it is over.

    Attributes
    ----------
    kind, name : str
        As of its :class:`~runners.live.health.Reason`.
    began, seen : float
        First and last sight, Unix seconds, for people.
    at : float
        Last sight, on a clock that never jumps.
    seconds : float
        How long it was there.
    """

    kind: str
    name: str
    text: str
    began: float
    seen: float
    at: float
    seconds: float = 0.0
    is_told: bool = False

    @property
    def thing(self) -> tuple[str, str]:
        """What it is that is ailing."""
        return self.kind, self.name


class Quota:
    """So many within so long, for each of several keys."""

    def __init__(self, count: int, seconds: float) -> None:
        self._count, self._seconds = count, seconds
        self._taken: defaultdict[Hashable, deque[float]] = defaultdict(deque)

    def is_free(self, key: Hashable, now: float) -> bool:
        """Whether there may be one more now."""
        taken = self._taken[key]
        while taken and now - taken[0] >= self._seconds:
            taken.popleft()
        return len(taken) < self._count

    def take(self, key: Hashable, now: float) -> None:
        """Note one more."""
        self._taken[key].append(now)


class Watch:
    """Decides when the operator hears of what; without a clock of its own.

    Parameters
    ----------
    tell : callable
        Takes the troubles of one notice, which are of one kind, and whether they are over.
    """

    def __init__(self, tell: Callable[[Sequence[Trouble], bool], None]) -> None:
        self._tell = tell
        self._troubles: dict[tuple[str, str], Trouble] = {}
        self._of_thing = Quota(PER_HOUR, _HOUR)
        self._of_kind = Quota(LETTERS_AT_ONCE, GATHERING_SECONDS)
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
        step, last_look, self._looked = now - self._looked, self._looked, now
        for (kind, name), text in _present(reasons).items():
            new = Trouble(kind, name, text, wall, wall, now)
            trouble = self._troubles.setdefault(new.thing, new)
            if trouble.at == last_look:
                # A daemon that stood still has not seen trouble all the while.
                trouble.seconds += min(step, _LONGEST_STEP)
            trouble.text, trouble.seen, trouble.at = text, wall, now
        for kind in dict.fromkeys(kind for kind, _ in self._troubles):
            self._look_at([one for one in self._troubles.values() if one.kind == kind], now)

    def _look_at(self, troubles: Sequence[Trouble], now: float) -> None:
        """Tell what there is to tell of one kind."""
        gone = [one for one in troubles if now - one.at >= OVER_SECONDS]
        untold = [one for one in gone if not one.is_told]
        for one in [*untold, *self._say([one for one in gone if one.is_told], now, is_over=True)]:
            del self._troubles[one.thing]
        lasting = [one for one in troubles if one.seconds >= LASTING_SECONDS and not one.is_told]
        for one in self._say([one for one in lasting if one not in gone], now, is_over=False):
            one.is_told = True

    def _say(self, troubles: Sequence[Trouble], now: float, *, is_over: bool) -> Sequence[Trouble]:
        """Tell in one notice of those of which not enough was told of late; return these."""
        due = [one for one in troubles if self._of_thing.is_free(one.thing, now)]
        if not due or not self._of_kind.is_free(due[0].kind, now):
            return ()
        self._of_kind.take(due[0].kind, now)
        for one in due:
            self._of_thing.take(one.thing, now)
        self._tell(due, is_over)
        return due


def _present(reasons: Sequence[Reason]) -> dict[tuple[str, str], str]:
    """Return what is said of each thing, the gravest of it, as reasons are in that order."""
    present: dict[tuple[str, str], str] = {}
    for reason in reasons:
        for name in reason.names if reason.kind not in _NEVER else ():
            present.setdefault((reason.kind, name), reason.text)
    return present


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

        The log cannot see its own cut tail; a number and a hash kept elsewhere can. What waits
        for a server is lost with this process, so the day is noted once its anchor was delivered.
        """
        today = datetime.now(UTC).date().isoformat().encode()
        if self._anchored == today:
            return
        if self._store.state(ANCHOR_KEY) != today:
            path, (seq, digest) = self._store.path, self._store.audit_head
            how = f"python -m runners.audit verify --db {path} --anchor {seq}:{digest}"
            lines = [f"{seq}:{digest}", how]
            note = partial(self._note_anchor, today)
            mailer.notice(self._words["anchor_title"], lines, ["anchor"], note)
        self._anchored = today

    def _note_anchor(self, day: bytes) -> None:
        with suppress(StorageError):  # it is mailed again after the next start then
            self._store.commit(Batch(state={ANCHOR_KEY: day}))

    def _tell(self, troubles: Sequence[Trouble], is_over: bool) -> None:
        for one in troubles:
            extra = {"kind": one.kind, "which": one.name, "reason": one.text, "is_over": is_over}
            _log.warning("notice", extra=extra)
        kind = troubles[0].kind
        if self._mailer is not None and kind not in (_NO_END if is_over else _AFTERWARDS):
            title = self._title(kind, [one.name for one in troubles if one.name])
            if is_over:
                title = self._words["trouble_over"].format(title=title)
            about = [f"{kind}:{one.name}" for one in troubles]
            self._mailer.notice(title, self._lines(troubles, is_over), about)

    def _title(self, kind: str, names: Sequence[str]) -> str:
        title = self._words[f"trouble_{kind}"]
        if not names:
            return title
        shown = list(names[:_NAMES_IN_TITLE])
        if left_out := len(names) - len(shown):
            shown.append(self._words["trouble_more"].format(n=left_out))
        return self._words["trouble_named"].format(title=title, names=", ".join(shown))

    def _lines(self, troubles: Sequence[Trouble], is_over: bool) -> list[str]:
        """Return when each was and what was said of it; what is the same of several once."""
        key = "trouble_was" if is_over else "trouble_since"
        names: dict[tuple[str, str], list[str]] = {}
        for one in troubles:
            since, until = self._shown(one.began), self._shown(one.seen)
            when = self._words[key].format(since=since, until=until)
            names.setdefault((when, one.text), []).append(one.name)
        return [
            line
            for (when, text), of in names.items()
            for line in (
                # Whose time it is, where there are several; the text names its thing itself.
                f"{', '.join(of)}: {when}" if len(troubles) > 1 else when,
                self._words["trouble_detail"].format(text=text),
            )
        ]

    def _shown(self, seconds: float) -> str:
        time_ = exchange_time(datetime.fromtimestamp(seconds, UTC))
        return moment(time_, self._language, seconds=True)
