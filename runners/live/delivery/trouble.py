"""What ails the outbox of a channel: on ``/health`` while it lasts, in the log now and then."""

from __future__ import annotations

import logging
import time

from runners.live.delivery.channel import printable

LOG_SECONDS = 60.0
"""The outbox is asked every second; once a minute is enough to say that it still fails."""

log = logging.getLogger("alertas.delivery")


class OutboxTrouble:
    """Remembers why the outbox could not be read or written.

    Parameters
    ----------
    name : str
        The channel's, for the log.

    Attributes
    ----------
    text : str
        One line; empty while all is well.
    rest_until : float
        Until when to leave the outbox alone, on the monotonic clock.
    """

    def __init__(self, name: str) -> None:
        self.text = ""
        self.rest_until = 0.0
        self._name = name
        self._unwritten: set[str] = set()
        self._log_again_at = 0.0

    def rest(self, error: BaseException, seconds: float) -> None:
        """Have the outbox left alone for a moment: it says itself what ails it."""
        self.rest_until = time.monotonic() + seconds
        self._note(error)

    def unwritten(self, letter: str, error: BaseException) -> None:
        """Note that the outcome of a letter could not be written down."""
        self._unwritten.add(letter)
        self._note(error)

    def written(self, letter: str) -> None:
        """Note that it is written now."""
        self._unwritten.discard(letter)

    def is_readable(self) -> None:
        """Note that the outbox was read, which is all there is to say if nothing is unwritten."""
        if not self._unwritten:
            self.text = ""

    def _note(self, error: BaseException) -> None:
        self.text = f"outbox: {printable(str(error))}"
        if time.monotonic() >= self._log_again_at:
            log.error("outbox failed", exc_info=error, extra={"channel": self._name})
            self._log_again_at = time.monotonic() + LOG_SECONDS
