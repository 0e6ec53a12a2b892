"""What a walk-forward says to people: sentences and tables, for terminal and pages alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from alertlib.report.formats import percent, series_name
from alertlib.report.page.search import Account, Table
from alertlib.search.sweep_words import points_text, selection_sentences, short_keys, value_text

_RATES = ("capture_rate", "false_positive_share", "win_rate")


def walk_account(found: Mapping[str, Any], keys: Sequence[str]) -> Account:
    """Return what a walk-forward found, of ``Walk.to_dict()``."""
    data, purged = found["data"], found["purged"]
    word = "PROVEN" if found["proven"] else "UNPROVEN"
    drift = zip(short_keys(keys), found["drift"].values(), strict=True)
    changes = ", ".join(f"{name} {count} times" for name, count in drift)
    sentences = [
        *(f"{reason[0].upper()}{reason[1:]}." for reason in found["reasons"]),
        f"{len(found['folds'])} folds; between them a parameter changed: {changes}.",
        f"Combinatorial purged splits: {purged['splits']}, median distance "
        f"{purged['in_sample_distance_median']:.1f} in sample and "
        f"{purged['distance_median']:.1f} out of sample; {purged['met']} meet all criteria, "
        f"{purged['gaining']} gain points.",
        *selection_sentences(found["selection"]),
        f"What would run next: {_settings(found['chosen'])}.",
    ]
    tables = [_side_by_side(found), _criteria(found["pooled"]["criteria"]), _folds(found, keys)]
    title = f"Walk-forward of {series_name(data)}: {word}"
    return Account(title, bool(data["synthetic"]), sentences, tables)


def _side_by_side(found: Mapping[str, Any]) -> Table:
    rows = [_row("in sample", found["in_sample"]), _row("out of sample", found["pooled"])]
    if found["hold_out"] is not None:
        rows.append(_row("held out", found["hold_out"]))
    names = ["", "sessions", "moves", "alerts", "capture", "false", "wins", "points"]
    return Table("In sample and out of sample", names, rows)


def _criteria(criteria: Sequence[Mapping[str, Any]]) -> Table:
    rows = []
    for line in criteria:
        if line["name"] in _RATES:
            low, high = line["ci_low"], line["ci_high"]
            bounds = "n/a" if low is None else f"{percent(low)} to {percent(high)}"
            p = "n/a" if line["p_value"] is None else f"{line['p_value']:.3f}"
            rows.append([
                line["name"].replace("_", " "), percent(line["value"]),
                f"{line['op']} {percent(line['threshold'])}", bounds, percent(line["chance"]), p,
                "pass" if line["passed"] else "FAIL",
            ])  # fmt: skip
    names = ["", "pooled", "limit", "95 % interval", "chance", "p", ""]
    return Table("The criteria on the pooled sessions out of sample", names, rows)


def _folds(found: Mapping[str, Any], keys: Sequence[str]) -> Table:
    rows = []
    for fold in found["folds"]:
        inside, outside = fold["in_sample"], fold["out_of_sample"]
        rows.append([
            fold["test"][0],
            *(value_text(fold["parameters"][key]) for key in keys),
            *(f"{_whole(inside[n])} {_whole(outside[n])}" for n in _RATES),
            points_text(outside["expectancy_points"]),
        ])  # fmt: skip
    names = ["from", *short_keys(keys), "capture", "false", "wins", "points"]
    caption = (
        "Fold by fold: the first session judged on, what was chosen before, rates in and out of "
        "sample (%), points a trade out of sample"
    )
    return Table(caption, names, rows)


def _whole(share: float | None) -> str:
    return "n/a" if share is None else f"{100 * share:.0f}"


def _row(name: str, part: Mapping[str, Any]) -> list[str]:
    alerts = part["tp"] + part["fp"] + part["redundant"]
    return [
        name, str(part["sessions"]), f"{part['opportunities']:,}", f"{alerts:,}",
        *(percent(part[n]) for n in _RATES), points_text(part["expectancy_points"]),
    ]  # fmt: skip


def _settings(chosen: Mapping[str, Any]) -> str:
    return ", ".join(f"{key}={value_text(value)}" for key, value in chosen.items())
