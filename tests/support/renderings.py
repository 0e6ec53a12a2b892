"""A scorecard as its readers get it: printed in a terminal, parsed from its JUnit report."""

from __future__ import annotations

import io
from typing import Any
from xml.etree import ElementTree as ET

from rich.console import Console

from alertlib.report.ci.junit import junit_xml
from alertlib.report.terminal.terminal import print_scorecard

SUITE_ATTRIBUTES = {"name", "package", "id", "hostname", "tests", "failures", "errors", "skipped"}


def suite_of(card: Any) -> ET.Element:
    """Parse a report and hold it against the strict schema of Ant's JUnit reports."""
    root = ET.fromstring(junit_xml(card))
    assert root.tag == "testsuites"
    assert root.attrib == {}
    assert len(root) == 1
    suite = root[0]
    assert set(suite.attrib) - {"timestamp"} == SUITE_ATTRIBUTES | {"time"}
    tags = [child.tag for child in suite]
    cases = suite.findall("testcase")
    expected = ["properties", *["testcase"] * len(cases), "system-out", "system-err"]
    assert tags == expected
    for case in cases:
        assert set(case.attrib) == {"name", "classname", "time"}
        assert len(case) <= 1
        for outcome in case:
            assert outcome.tag in ("failure", "error")
            assert set(outcome.attrib) == {"message", "type"}
    for kind in ("failure", "error"):
        assert int(suite.attrib[f"{kind}s"]) == len(suite.findall(f"testcase/{kind}"))
    assert int(suite.attrib["tests"]) == len(cases)
    return suite


def printed(card: Any, width: int = 80, printer: Any = print_scorecard, **options: Any) -> str:
    file = io.StringIO()
    printer(card, Console(file=file, width=width, **options))
    return file.getvalue()
