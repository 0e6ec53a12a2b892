"""The part of a page that a benchmark makes of its figures."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

END = "<!-- made until here -->"


@dataclass(frozen=True)
class GeneratedPart:
    """What stands between two markers of a page.

    Attributes
    ----------
    page : Path
    begin : str
        First marker; the second is always the same.
    """

    page: Path
    begin: str

    def update(self, made: str) -> str:
        """Write what was made into the page, and return it."""
        before, _, rest = self._text().partition(self.begin)
        _, _, after = rest.partition(END)
        self.page.write_text(before + self.begin + made + END + after, encoding="utf-8")
        return made

    def shown(self) -> str:
        """Return what the page has there."""
        return self._text().partition(self.begin)[2].partition(END)[0]

    def _text(self) -> str:
        return self.page.read_text(encoding="utf-8")
