"""Letters that have left the queue and are not settled yet."""

from __future__ import annotations

from runners.live.delivery.policy import Letter


class UnderWay:
    """Knows what may not be started again, and how many attempts use the line.

    Attributes
    ----------
    letters : dict of str to Letter
        By Message-ID, until their outcome is written down.
    sending : int
        Attempts that have no result yet.
    """

    def __init__(self) -> None:
        self.letters: dict[str, Letter] = {}
        self.sending = 0

    def __bool__(self) -> bool:
        return bool(self.letters)

    def begin(self, letter: Letter) -> None:
        """Take a letter on."""
        self.letters[letter.message_id] = letter
        self.sending += 1

    def answered(self) -> None:
        """Note that an attempt has its result."""
        self.sending -= 1

    def end(self, letter: Letter) -> None:
        """Forget a letter that is settled, or goes back into the queue."""
        self.letters.pop(letter.message_id, None)

    def rows(self) -> set[int]:
        """Return the numbers of the copies under way."""
        return {row.id for letter in self.letters.values() for row in letter.rows}

    def may_begin(self, letter: Letter) -> bool:
        """Whether a letter is not under way, nor another digest to its recipient.

        One digest to a recipient at a time: whatever comes meanwhile joins the next.
        """
        return letter.message_id not in self.letters and not (
            letter.kind == "digest"
            and any(
                held.kind == "digest" and held.recipient == letter.recipient
                for held in self.letters.values()
            )
        )
