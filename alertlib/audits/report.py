"""What the audits found."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import Any

from alertlib.errors import AuditError

# What to do about it.
REMEMBER = (
    "keep what the step remembers in its state or its ring, fractions in the state; a list of the "
    "module is shared by all streams"
)
WHOLE = "a ring holds whole numbers, compiled code cuts off the rest; keep fractions in the state"
LOOK_AHEAD = (
    "use no bar after the one that is answered for: no shift(-1), centred window or backfill"
)


@dataclass(frozen=True)
class AuditItem:
    """One audit: its name, whether it is clean, on how many cases, and what was seen.

    ``unreadable`` says which bar kept it from seeing more, a fault of the data.
    """

    name: str
    clean: bool
    cases: int
    detail: str
    unreadable: str | None = None


@dataclass(frozen=True, repr=False)
class AuditReport:
    """What the audits of a set of detectors found."""

    detectors: tuple[str, ...]
    items: tuple[AuditItem, ...]

    @property
    def clean(self) -> bool:
        """Whether every audit is."""
        return all(item.clean for item in self.items)

    @property
    def failures(self) -> int:
        """Number of audits that are not clean."""
        return sum(not item.clean for item in self.items)

    @property
    def unreadable(self) -> str | None:
        """A bar that a stream cannot take, in words: a fault of the data, not of a detector."""
        return next((item.unreadable for item in self.items if item.unreadable), None)

    def raise_if_dirty(self) -> AuditReport:
        """Return the report itself if clean.

        Raises
        ------
        AuditError
            Naming the audits that failed.
        """
        if not self.clean:
            failed = "; ".join(f"{i.name}: {i.detail}" for i in self.items if not i.clean)
            raise AuditError(f"detectors {', '.join(self.detectors)}: {failed}")
        return self

    def to_dict(self) -> dict[str, Any]:
        """Return the report as JSON-able values."""
        return {
            "clean": self.clean,
            "detectors": list(self.detectors),
            "items": [
                {"name": i.name, "clean": i.clean, "cases": i.cases, "detail": i.detail}
                for i in self.items
            ],
        }

    def __repr__(self) -> str:
        lines = [f"<AuditReport {', '.join(self.detectors)}: {'clean' if self.clean else 'DIRTY'}"]
        lines += [
            f"  {'ok  ' if i.clean else 'FAIL'} {i.name} ({i.cases} cases): {i.detail}"
            for i in self.items
        ]
        return "\n".join(lines) + ">"

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{'✓' if i.clean else '✗'}</td><td>{escape(i.name)}</td>"
            f"<td>{i.cases}</td><td>{escape(i.detail)}</td></tr>"
            for i in self.items
        )
        return (
            f"<b>Audits of {escape(', '.join(self.detectors))}: "
            f"{'clean' if self.clean else 'DIRTY'}</b><table>"
            f"<tr><th></th><th>audit</th><th>cases</th><th>seen</th></tr>{rows}</table>"
        )
