"""Alerts as Telegram texts: the mail's subject and its plain part."""

from __future__ import annotations

from runners.live.alert_store.records import OutboxRow
from runners.live.delivery.policy import Letter
from runners.live.mail.letters import Letters

TEXT_LIMIT = 4_096
"""Of the Bot API, in UTF-16 units."""


class TelegramTexts:
    """Writes letters as plain text: no mark-up, so nothing to escape.

    Parameters
    ----------
    letters : Letters
        What puts mails into words.
    """

    def __init__(self, letters: Letters) -> None:
        self._letters = letters

    def message(self, letter: Letter, now: float) -> str:
        """Return the text of one alert or correction."""
        subject, text = self._letters.plain(letter, now)
        units = f"{subject}\n\n{text.strip()}".encode("utf-16-le")
        return units[: 2 * TEXT_LIMIT].decode("utf-16-le", errors="ignore")

    def flaw(self, row: OutboxRow) -> str:
        """Return why a copy cannot be shown, one line; empty if it can."""
        return self._letters.flaw(row)
