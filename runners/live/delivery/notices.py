"""Messages that are not alerts and have not left yet."""

from __future__ import annotations

from collections.abc import Container, Sequence

from runners.live.delivery.policy import Letter, Settlement


class NoticeBox:
    """Notices to the operator that have not left yet.

    In memory only: a notice tells of a state, and a restart looks at it anew. One goes once newer
    ones tell of everything that it is about, so that an outage leaves about as many letters as
    there are things to tell of, and not a heap.
    """

    def __init__(self) -> None:
        self._letters: dict[str, Letter] = {}

    def __bool__(self) -> bool:
        return bool(self._letters)

    def put(self, letters: Sequence[Letter]) -> None:
        """Add the letters of one notice, in place of those that tell nothing else any more."""
        told: set[tuple[str, str]] = set()
        kept: list[Letter] = []
        for letter in reversed([*self._letters.values(), *letters]):
            about = _about(letter)
            if not about or about - told:
                kept.append(letter)
            told |= about
        self._letters = {letter.message_id: letter for letter in reversed(kept)}

    def due(self, now: float, held: Container[str]) -> list[Letter]:
        """Return those to be sent now, without those under way; forget those that are too old."""
        self._letters = {name: one for name, one in self._letters.items() if one.expires > now}
        return [one for name, one in self._letters.items() if name not in held and one.due <= now]

    def settle(self, letter: Letter, settlement: Settlement) -> None:
        """Note how an attempt at a notice ended.

        One whose place a newer one has taken meanwhile is not tried again, and may yet have been
        delivered.
        """
        if settlement.outcome == "delivered" and letter.delivered is not None:
            letter.delivered()
        if letter.message_id not in self._letters:
            return
        if settlement.outcome == "failed":
            self._letters[letter.message_id] = letter._replace(
                due=settlement.retry_at, attempts=letter.attempts + 1
            )
        else:
            del self._letters[letter.message_id]


def _about(letter: Letter) -> set[tuple[str, str]]:
    return {(letter.recipient, thing) for thing in (letter.notice or {}).get("about", ())}
