"""What the operator is mailed: that something broke or is well again, and a daily anchor."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from runners.live.alert_store.records import Batch
from runners.live.alert_store.store import Store
from runners.live.health import Reason

if TYPE_CHECKING:
    from runners.live.mail.mailer import Mailer

ANCHOR_KEY = "anchor_mailed"
ANCHOR_TITLE = "Alertas: âncora do registro de auditoria"

_log = logging.getLogger("alertas.live")


class Operator:
    """Tells whoever looks after the daemon.

    Parameters
    ----------
    store : Store
    mailer : Mailer or None
        Without one, notices are log lines only.
    has_address : bool
        Whether the operator has an address of their own; anchors are not for traders.
    """

    def __init__(self, store: Store, mailer: Mailer | None, *, has_address: bool) -> None:
        self._store = store
        self._mailer = mailer
        self._has_address = has_address
        self._watch = Watch(self._notice)
        self._anchored = b""

    def look(self, reasons: list[Reason]) -> None:
        """Tell what changed since the last look."""
        self._watch.look(reasons)
        if self._has_address and self._mailer is not None and self._store.trouble() is None:
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
            mailer.notice(ANCHOR_TITLE, [f"{seq}:{digest}", how])
            self._store.commit(Batch(state={ANCHOR_KEY: today}))
        self._anchored = today

    def _notice(self, title: str, lines: Sequence[str]) -> None:
        _log.warning("notice", extra={"title": title, "lines": list(lines)})
        if self._mailer is not None:
            self._mailer.notice(title, lines)


class Watch:
    """Tells the operator once when something breaks, and once when it is well again.

    Parameters
    ----------
    tell : callable
        Takes a title and lines.
    """

    def __init__(self, tell: Callable[[str, list[str]], None]) -> None:
        self._tell = tell
        self._known: dict[str, str] = {}

    def look(self, reasons: list[Reason]) -> None:
        """Compare with the last look."""
        now: Mapping[str, str] = {reason.kind: reason.text for reason in reasons}
        for kind, text in now.items():
            if kind not in self._known:
                self._tell(f"Alertas: {_TITLES[kind]}", [text])
        for kind, text in self._known.items():
            if kind not in now:
                self._tell(f"Alertas: {_TITLES[kind]}: normalizado", [f"Era: {text}"])
        self._known = dict(now)


_TITLES = {
    "store": "falha no banco de dados",
    "feed": "falha na alimentação de barras",
    "email": "falha no canal de e-mail",
    "websocket": "cliente WebSocket lento",
    "detector": "detector desativado",
}
