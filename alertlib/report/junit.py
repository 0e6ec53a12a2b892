"""A scorecard as JUnit XML, one test case per criterion."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from alertlib.report import figures
from alertlib.report.figures import Card, Line

SUITE = "alertlib.gate"


def junit_xml(card: Card) -> str:
    """Return the gate as a JUnit report.

    A criterion that is not met is a failure; while the verdict is INSUFFICIENT it is an error,
    since too little data decides nothing.

    Parameters
    ----------
    card : dict
        ``Scorecard.to_dict()`` or the parsed JSON file.
    """
    insufficient = card["verdict"] == "INSUFFICIENT"
    messages = [_message(card, line) for line in card["criteria"]]
    wrong = sum(message is not None for message in messages)
    totals = {
        "tests": str(len(messages)),
        "failures": "0" if insufficient else str(wrong),
        "errors": str(wrong) if insufficient else "0",
    }
    root = ET.Element("testsuites", {"name": SUITE, **totals, "time": "0"})
    suite = ET.SubElement(root, "testsuite", {"name": SUITE, **totals, "skipped": "0", "time": "0"})
    if card.get("generated_at"):
        # The usual schema wants a date and time without a zone.
        suite.set("timestamp", figures.clean(card["generated_at"])[:19])
    properties = ET.SubElement(suite, "properties")
    for name, value in _properties(card).items():
        ET.SubElement(properties, "property", {"name": name, "value": value})
    place = f"{SUITE}.{figures.clean(card['data'].get('symbol'))}"
    for line, message in zip(card["criteria"], messages, strict=True):
        case = ET.SubElement(
            suite,
            "testcase",
            {"classname": place, "name": figures.clean(line["name"]), "time": "0"},
        )
        if message is not None:
            kind = "error" if insufficient else "failure"
            found = ET.SubElement(case, kind, {"message": message, "type": card["verdict"]})
            found.text = _detail(line)
        else:
            ET.SubElement(case, "system-out").text = _detail(line)
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, "unicode") + "\n"


def _message(card: Card, line: Line) -> str | None:
    """Return why a criterion is not met; None if it is."""
    if not line["passed"]:
        return f"{_mark(card)}{summary(line)}"
    demanded = card["verdict"] == "FAIL" and all(c["passed"] for c in card["criteria"])
    if demanded and line["proven"] is False:
        return f"{_mark(card)}{summary(line)}, but its one-sided 95 % bound does not clear it"
    return None


def summary(line: Line) -> str:
    """Return a criterion, its value and its limit in one line."""
    shown = "undefined" if line["value"] is None else figures.shown(line)
    return f"{figures.name(line['name'])} {shown}, limit {figures.limit_text(line)}"


def _detail(line: Line) -> str:
    parts = [summary(line)]
    if line["chance"] is not None:
        parts.append(f"chance {figures.percent(line['chance'])}")
    if line["p_value"] is not None:
        parts.append(f"p {figures.probability(line['p_value'])}")
    if line["ci_low"] is not None:
        parts.append(f"95 % interval {figures.bounds(line['ci_low'], line['ci_high'])}")
    if line["n"] is not None:
        parts.append(f"n {figures.count(line['n'])}")
    return "; ".join(parts)


def _mark(card: Card) -> str:
    return f"[{figures.SYNTHETIC}] " if figures.is_synthetic(card) else ""


def _properties(card: Card) -> dict[str, str]:
    data = card["data"]
    values = {
        "verdict": card["verdict"],
        "proven": str(card["proven"]).lower(),
        "synthetic": str(figures.is_synthetic(card)).lower(),
        **{f"data.{key}": data.get(key) for key in ("source", "symbol", "timeframe", "sha256")},
        "data.sessions": data.get("sessions"),
        **{key: card.get(key) for key in ("spec", "spec_hash", "config_hash", "git_rev", "seed")},
    }
    return {key: figures.clean(value) for key, value in values.items() if value is not None}
