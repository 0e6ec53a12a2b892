"""Does a detector tell the truth? Tests for look-ahead, and for live and batch being one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alertlib._faces import lazy

if TYPE_CHECKING:
    from alertlib.audits.checking import check
    from alertlib.audits.report import AuditItem, AuditReport
    from alertlib.audits.suite import audit

_HOMES = {
    "AuditItem": "suite",
    "AuditReport": "suite",
    "audit": "suite",
    "check": "checking",
}

__all__ = ["AuditItem", "AuditReport", "audit", "check"]

__getattr__, __dir__ = lazy(__name__, _HOMES)
