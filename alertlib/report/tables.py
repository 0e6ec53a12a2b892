"""The tables of a scorecard as rows of text, for the terminal and for pages alike."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from alertlib.report.formats import (
    Card,
    Line,
    bounds,
    clean,
    count,
    counted,
    deciding_null,
    guard_rails,
    limit_text,
    name,
    null_name,
    null_words,
    percent,
    points,
    probability,
    rates,
    setting_text,
    shown,
    sizes,
    words,
)
from alertlib.report.sentences import findings
from alertlib.scorecard.patterns import repeated_patterns, row_name

Row = list[str]


class SettingRow(NamedTuple):
    """A setting's path and value, and its default where it was changed."""

    path: str
    value: str
    default: str


def criterion_row(line: Line) -> Row:
    """Return a customer's criterion: name, value, limit, chance, interval, sizes, p with the
    null it belongs to, verdict."""
    return [
        name(line["name"]),
        shown(line),
        limit_text(line),
        percent(line["chance"]),
        bounds(line["ci_low"], line["ci_high"]),
        sizes(line),
        f"{probability(line['p_value'])} {deciding_null(line)}".rstrip(),
        verdict(line["passed"]),
    ]


def rail_rows(card: Card) -> list[Row]:
    """Return each guard rail: name, value, limit, verdict; a p-value names its null."""
    return [_rail_row(c) for c in guard_rails(card)]


def _rail_row(line: Line) -> Row:
    limit = f"{limit_text(line)} {deciding_null(line)}".rstrip()
    word = "not run" if line.get("reason") == "untested" else verdict(line["passed"])
    return [name(line["name"]), shown(line), limit, word]


def pattern_rows(card: Card) -> list[Row]:
    """Return each pattern: name, alerts by outcome, capture, false share, win rate, points.

    The name is the pattern's, after the detector's where several have the pattern.
    """
    repeated = repeated_patterns(card)
    return [
        [
            clean(row_name(row, repeated)),
            *(count(row[k]) for k in ("alerts", "tp", "false_positives", "redundant")),
            *(percent(row[k]) for k in ("capture_rate", "false_positive_share", "win_rate")),
            points(row["expectancy_points"]),
        ]
        for row in card["per_detector"]
    ]


def null_rows(card: Card) -> list[Row]:
    """Return each null: name, then chance level and p-value under each customer's criterion."""
    drawn = [line["nulls"] for line in rates(card)]
    nulls = dict.fromkeys(null for one in drawn for null in one)
    made = []
    for null in nulls:
        row = [f"{null_name(null)}: {null_words(null)}"]
        for one in drawn:
            found = one.get(null, {})
            chance, p = percent(found.get("chance")), probability(found.get("p_value"))
            row.append(f"{chance}, p {p}")
        made.append(row)
    if made and "timing" not in nulls and "coin_flip" in nulls:
        made.append(
            [f"{null_name('timing')}: {null_words('timing')}", *["not applicable"] * len(drawn)]
        )
    return made


def audit_rows(card: Card) -> list[Row]:
    """Return each audit: name, verdict, cases, what was seen."""
    return [
        [words(i["name"]), verdict(i["clean"]), counted(i["cases"], "case"), clean(i["detail"])]
        for i in card["audits"].get("items", ())
    ]


def finding_rows(card: Card) -> list[Row]:
    """Return the findings about the data by kind: kind, severity, how many, message, dates."""
    return [[f.kind, f.severity, count(f.found), f.message, f.dates] for f in findings(card)]


def provenance_rows(card: Card) -> list[Row]:
    """Return what the figures rest on, in full: name and value."""
    data = card["data"]
    made = [
        ("source", data["source"]),
        ("bars", f"{count(data['bars'])}, {data['first']} to {data['last']}"),
        ("sha256", data["sha256"]),
        ("spec", f"{card['spec']} {card['spec_hash']}"),
        ("config", f"{card['config_hash']} of {card.get('config_source') or 'no file'}"),
        ("revision", card["git_rev"] or "not known"),
        ("versions", ", ".join(f"{k} {v}" for k, v in card["versions"].items())),
        ("seed", card["seed"]),
    ]
    return [[label, clean(value)] for label, value in made]


def setting_rows(card: Card) -> list[SettingRow]:
    """Return each setting that decides alerts and score, those of idle detectors left out."""
    changed = card.get("changed_settings") or {}
    values = dict(_leaves(card.get("settings") or {}, ""))
    known = values | {path: value for path, (value, _) in changed.items()}
    return [
        SettingRow(
            clean(path),
            setting_text(value),
            f"default {setting_text(changed[path][1])}" if path in changed else "",
        )
        for path, value in known.items()
        if path in changed or not _is_idle(path, values)
    ]


def _leaves(values: Mapping[str, Any], path: str) -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{path}{key}.")
        else:
            yield f"{path}{key}", value


def _is_idle(path: str, values: Mapping[str, Any]) -> bool:
    """Whether a setting is of a built-in detector that is not enabled."""
    section, _, rest = path.partition(".")
    detector, _, name = rest.partition(".")
    enabled = values.get("detection.enabled")
    if section != "detection" or not name or detector == "custom" or enabled is None:
        return False
    return detector not in enabled


def verdict(passed: bool) -> str:
    """Return whether something passed, in a word that needs no colour."""
    return "pass" if passed else "FAIL"
