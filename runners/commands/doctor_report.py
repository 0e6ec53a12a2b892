"""What the doctor found, as values and in words."""

from __future__ import annotations

from typing import Any

from alertlib._version import __version__
from alertlib.bars.bars import Bars
from alertlib.bars.quality.findings import Quality
from alertlib.market.clock import with_offset
from runners.commands.doctor_advice import advice_for

SCHEMA = "doctor.v1"


def describe(bars: Bars, quality: Quality, coverage: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the report as JSON-ready values, but for the dates of ``coverage``."""
    found = quality.to_dict()
    times, instrument = bars.frame["time"], bars.instrument
    return {
        "schema": SCHEMA,
        "version": __version__,
        "source": bars.source,
        "symbol": bars.symbol,
        "symbol_assumed": bars.assumed_symbol,
        "timeframe": bars.timeframe,
        "family": instrument.family,
        "tick": instrument.grid.tick if instrument.grid else None,
        "synthetic": bars.synthetic,
        "sha256": bars.sha256,
        "bars": len(bars),
        "sessions": sum(day["present"] + day["outside"] > 0 for day in coverage),
        "first": with_offset(times[0]),
        "last": with_offset(times[-1]),
        **found,
        "advice": advice_for(found["findings"]),
        "coverage": coverage,
    }


def summary(report: dict[str, Any]) -> list[tuple[str, str]]:
    """Return what the bars are, as names and values for people."""
    family = report["family"] or "unknown family"
    symbol = report["symbol"] + (" (assumed; state --symbol)" if report["symbol_assumed"] else "")
    rows = f"{report['bars']:,} bars of {report['rows_read']:,} rows"
    if report["quarantined"]:
        rows += f", {report['quarantined']:,} quarantined"
    facts = [
        ("source", f"{report['source']} ({report['layout']})"),
        ("series", f"{symbol} {report['timeframe']} ({family}, tick {report['tick']:g})"),
        ("bars", f"{rows}; {report['sessions']:,} sessions"),
        ("span", f"{report['first'][:16].replace('T', ' ')} to "
                 f"{report['last'][:16].replace('T', ' ')}"),
        ("sha256", report["sha256"]),
    ]  # fmt: skip
    if report["synthetic"]:
        facts.insert(1, ("origin", "SYNTHETIC SAMPLE"))
    return facts


def conclusion(report: dict[str, Any]) -> tuple[str, str]:
    """Return the verdict and what it rests on."""
    found = report["findings"]
    errors = [one["kind"] for one in found if one["severity"] == "error"]
    if errors:
        kinds = ", ".join(dict.fromkeys(errors))
        return "UNSAFE for scoring", f"({kinds})"
    warnings = sum(one["severity"] == "warning" for one in found)
    plural = "s" if warnings > 1 else ""
    return "Safe for scoring", f"({warnings or 'no'} warning{plural})"
