"""Data quality: what is wrong, or merely unusual, with a series of bars."""

from alertlib.quality.examination import examine, session_coverage
from alertlib.quality.findings import Finding, Quality
from alertlib.quality.grid import infer_grid

__all__ = ["Finding", "Quality", "examine", "infer_grid", "session_coverage"]
