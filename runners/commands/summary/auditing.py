"""The light of the audit log: does it verify, and does it still hold the anchor noted before?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from runners.commands.summary.figures import Figure, Light, Part, Reason
from runners.live.audit_log.verify import Report


class Anchor(NamedTuple):
    """Where a log stood: number and hash of its last event, and the database's own name."""

    epoch: str
    seq: int
    hash: str

    def __str__(self) -> str:
        return f"{self.seq}:{self.hash}"


@dataclass(frozen=True)
class Audited:
    """What the verification found, and what an earlier summary had noted."""

    report: Report
    anchor: Anchor
    before: Anchor | None

    @property
    def is_same_database(self) -> bool:
        """Whether the earlier anchor is of this database."""
        return self.before is not None and self.before.epoch == self.anchor.epoch


def auditing(audited: Audited) -> Part:
    """Return the light of the audit log."""
    report = audited.report
    findings = len(report.findings)
    # No event of a log that fails counts as verified; an empty one proves nothing.
    is_read = (True if report.events else None) if report.intact else False
    return Part(
        "audit",
        (
            Figure("findings", findings, "<=", 0, findings == 0, "log"),
            Figure("events", report.events, ">", 0, is_read, "log"),
        ),
        tuple(_reasons(audited)),
    )


def _reasons(audited: Audited) -> list[Reason]:
    report = audited.report
    if not report.intact:
        values = {"n": len(report.findings), "first": report.findings[0]}
        return [Reason(Light.RED, "damaged", values)]
    if not report.events:
        return [Reason(Light.YELLOW, "empty_log")]
    if audited.before is not None and not audited.is_same_database:
        return [Reason(Light.YELLOW, "other_database")]
    return []
