"""A scorecard as JUnit XML, one test case per criterion.

Valid under the strict schema of Ant's reports as well as under the xUnit plugin's of Jenkins, so
that a case holds nothing but its failure; what passed is told in the suite's output.
"""

from __future__ import annotations

from xml.etree import ElementTree as ET

from alertlib.report import formats, sentences
from alertlib.report.formats import Card, Line

SUITE = "alertlib.gate"


def junit_xml(card: Card) -> str:
    """Return the gate as a JUnit report.

    A criterion that is not met is a failure; while the verdict is INSUFFICIENT or
    UNTESTED it is an error, since too little data and unmeasured chance decide nothing.

    Parameters
    ----------
    card : dict
        ``Scorecard.to_dict()`` or the parsed JSON file.
    """
    kind = "error" if card["verdict"] in ("INSUFFICIENT", "UNTESTED") else "failure"
    messages = [_message(card, line) for line in card["criteria"]]
    root = ET.Element("testsuites")
    suite = ET.SubElement(root, "testsuite", _attributes(card, kind, messages))
    properties = ET.SubElement(suite, "properties")
    for name, value in _properties(card).items():
        ET.SubElement(properties, "property", {"name": name, "value": value})
    place = ".".join((SUITE, *(_token(card["data"][key]) for key in ("symbol", "timeframe"))))
    for line, message in zip(card["criteria"], messages, strict=True):
        named = {"classname": place, "name": _token(line["name"]), "time": "0"}
        case = ET.SubElement(suite, "testcase", named)
        if message is not None:
            about = {"message": message, "type": _token(card["verdict"])}
            ET.SubElement(case, kind, about).text = _detail(line)
    told = [formats.subject(card), *(_detail(line) for line in card["criteria"])]
    ET.SubElement(suite, "system-out").text = "\n".join(told)
    ET.SubElement(suite, "system-err").text = "\n".join(
        [*sentences.caveats(card), *formats.warnings(card)]
    )
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, "unicode") + "\n"


def _attributes(card: Card, kind: str, messages: list[str | None]) -> dict[str, str]:
    wrong = sum(message is not None for message in messages)
    made = {"name": SUITE, "package": SUITE, "id": "0", "hostname": "localhost"}
    if card["generated_at"]:
        # A date and time; the schema allows no zone.
        made["timestamp"] = formats.clean(card["generated_at"])[:19]
    counts = {"tests": len(messages), "failures": 0, "errors": 0, "skipped": 0, f"{kind}s": wrong}
    return made | {name: str(n) for name, n in counts.items()} | {"time": "0"}


def _message(card: Card, line: Line) -> str | None:
    """Return why a criterion is not met; None if it is."""
    if not line["passed"]:
        return f"{_mark(card)}{_summary(line)}"
    # Every criterion is met and the verdict is FAIL: the gate demands proof.
    demanded = card["verdict"] == "FAIL" and all(c["passed"] for c in card["criteria"])
    if demanded and line.get("proven") is False:
        return f"{_mark(card)}{_summary(line)}, but its one-sided 95 % bound does not clear it"
    return None


def _summary(line: Line) -> str:
    shown = "undefined" if line["value"] is None else formats.shown(line)
    return f"{formats.name(line['name'])} {shown}, limit {formats.limit_text(line)}"


def _detail(line: Line) -> str:
    parts = [_summary(line)]
    if line["chance"] is not None:
        parts.append(f"chance {formats.chance_text(line)}")
    if line["p_value"] is not None:
        against = formats.deciding_null(line)
        parts.append(f"p {formats.probability(line['p_value'])}" + f" ({against})" * bool(against))
    if line["ci_low"] is not None:
        parts.append(f"95 % interval {formats.bounds(line['ci_low'], line['ci_high'])}")
    if line["n"] is not None:
        parts.append(f"n {formats.count(line['n'])}")
    return "; ".join(parts)


def _mark(card: Card) -> str:
    return f"[{formats.SYNTHETIC}] " if formats.is_synthetic(card) else ""


def _token(value: object) -> str:
    """Return a value as the schema's token: no blanks around, none doubled."""
    return " ".join(formats.clean(value).split())


def _properties(card: Card) -> dict[str, str]:
    data = card["data"]
    values = {
        "verdict": card["verdict"],
        "proven": str(card["proven"]).lower(),
        "synthetic": str(formats.is_synthetic(card)).lower(),
        **{f"data.{key}": data[key] for key in ("source", "symbol", "timeframe", "sha256")},
        "data.symbol_assumed": str(bool(data.get("symbol_assumed"))).lower(),
        "data.sessions": data["sessions"],
        **{key: card[key] for key in ("spec", "spec_hash", "config_hash", "git_rev", "seed")},
    }
    return {key: formats.clean(value) for key, value in values.items() if value is not None}
