"""What a scorecard says beside its criteria, as short sentences under labels."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from operator import itemgetter
from re import split
from typing import NamedTuple

from alertlib.report.formats import (
    RATES,
    Card,
    Line,
    bounds,
    changed_settings,
    clean,
    count,
    counted,
    null_name,
    null_words,
    percent,
    plain,
    points,
    words,
)
from alertlib.texts import formats

Fact = tuple[str, str]

_SEVERITIES = ("error", "warning", "info")


class Findings(NamedTuple):
    """The findings of one kind."""

    kind: str
    severity: str
    found: int
    dates: str
    message: str


class Cell(NamedTuple):
    """A rate under one definition of a move; ``scored`` marks the definition of the criteria."""

    value: float | None
    chance: float | None
    scored: bool


class SensitivityRow(NamedTuple):
    """One rate for moves of ``k`` ATR, by how much of them has to be left."""

    k: str
    rate: str
    cells: list[Cell]


_SENSITIVITY = (
    ("capture_rate", "chance_capture"),
    ("false_positive_share", "chance_fp"),
)


def proof(card: Card) -> str:
    """Return what the intervals say about a PASS; empty for another verdict."""
    if card["verdict"] != "PASS":
        return ""
    if card["proven"]:
        return "proven: the one-sided 95 % bounds clear the limits too"
    return "not proven: a one-sided 95 % bound does not clear its limit"


def trader_facts(card: Card) -> list[Fact]:
    """Return what a trader would have seen: how many alerts, how good, and how early."""
    return [
        ("alerts", _outcomes(card)),
        ("net per trade", _expectancy(card)),
        ("win rate", _break_even(card)),
        ("false positives", _false_shares(card)),
        ("timeliness", _timeliness(card)),
        ("best possible", f"an oracle would capture {percent(card['rates']['oracle_ceiling'])}"),
        ("held back", _held_back(card)),
    ]


def _outcomes(card: Card) -> str:
    counts = card["counts"]
    parts = [f"{count(counts[key])} {word}" for key, word in _OUTCOMES if counts[key]]
    per_session = ""
    if sessions := card["data"]["sessions"]:
        per_session = f", {plain(counts['alerts'] / sessions, 1)} a session"
    return f"{count(counts['alerts'])}{per_session}" + (f": {', '.join(parts)}" if parts else "")


_OUTCOMES = (
    ("tp", "true"),
    ("false_positives", "false"),
    ("redundant", "redundant"),
    ("censored", "censored beside them"),
)


def _expectancy(card: Card) -> str:
    trade = card["trade"]
    if trade["expectancy_points"] is None:
        return "no trade"
    reais = trade["expectancy_brl"]
    parts = [
        f"{points(trade['expectancy_points'])} points",
        f"{formats.number(trade['expectancy_r'], 3, 'en', signed=True)} R",
        formats.money(reais, "en", signed=True) if reais is not None else why_no_reais(card),
        f"profit factor {plain(trade['profit_factor'], 2)}",
    ]
    return ", ".join(parts)


def _break_even(card: Card) -> str:
    if not card["counts"]["trades"]:
        return "no trade"
    both = card["counts"]["ambiguous"]
    note = "no bar hit both stop and target"
    if both:
        hit = f"the {counted(both, 'bar')} that hit both stop and target"
        note = f"{percent(card['rates']['optimistic_win_rate'])} if {hit} had won"
    return f"break-even {percent(card['trade']['break_even_win_rate'])}; {note}"


def _false_shares(card: Card) -> str:
    of_all, strict = card["rates"]["fp_share_all"], card["rates"]["fp_share_strict"]
    if of_all is None:
        return "no alert"
    return (
        f"the criterion leaves redundant alerts out; {percent(of_all)} of all alerts are false, "
        f"{percent(strict)} if redundant ones count as false, too"
    )


def _timeliness(card: Card) -> str:
    onset, left = card["timeliness"]["bars_from_onset"], card["timeliness"]["move_left"]
    if onset is None:
        return "nothing captured"
    bars = f"{plain(onset)} bar{'' if onset == 1 else 's'}"
    return (
        f"median {bars} after the onset, with {percent(left['median'])} of the move left "
        f"(quartiles {bounds(left['q25'], left['q75'])})"
    )


def why_no_reais(card: Card) -> str:
    """Return why R$ are not stated although points are."""
    if card["data"].get("quality", {}).get("on_grid") is False:
        return "R$ not stated (prices off the grid)"
    if card["trade"].get("fees_points"):
        return "R$ not stated (value of a point not known)"
    return "R$ not stated (fees or value of a point not known)"


def _held_back(card: Card) -> str:
    reasons = {k: v for k, v in card["counts"]["suppressed"].items() if v}
    if not reasons:
        return "nothing"
    ordered = sorted(reasons.items(), key=lambda item: -item[1])
    parts = ", ".join(f"{words(reason)} {count(n)}" for reason, n in ordered)
    return f"{count(sum(reasons.values()))}: {parts}"


def background_facts(card: Card) -> list[Fact]:
    """Return data, quality, chance, audits and provenance in words."""
    data = card["data"]
    return [
        (
            "data",
            f"{file_name(card)}, {counted(data['bars'], 'bar')}, "
            f"sha256 {clean(data['sha256'])[:12]}",
        ),
        ("quality", "; ".join(quality_notes(card))),
        ("chance", chance_note(card)),
        *([("", REJECTION)] if card.get("coin_flip") else []),
        *(("calibration", note) for note in calibration_notes(card)),
        ("audits", "; ".join(audit_notes(card))),
        (
            "scored by",
            f"{clean(card['spec'])} {clean(card['spec_hash'])[:12]}, config "
            f"{clean(card['config_hash'])[:12]}{_of_file(card)}, seed {clean(card['seed'])}",
        ),
    ]


def _of_file(card: Card) -> str:
    source = card.get("config_source")
    return "" if source is None else f" of {clean(source)}"


def file_name(card: Card) -> str:
    """Return the last part of the bars' source, which may be a path of either kind."""
    source = clean(card["data"]["source"])
    return split(r"[/\\]", source.rstrip("/\\"))[-1] or source


def quality_notes(card: Card) -> list[str]:
    """Return what is known of the data's quality, the verdict first."""
    quality = card["data"]["quality"]
    if not quality:
        return ["not examined"]
    notes = ["clean" if quality.get("clean") else "NOT CLEAN"]
    if quality.get("quarantined"):
        notes.append(f"{counted(quality['quarantined'], 'bad row')} set aside")
    if quality.get("out_of_session"):
        notes.append(f"{counted(quality['out_of_session'], 'bar')} outside the session removed")
    if quality.get("short_sessions"):
        short = counted(len(quality["short_sessions"]), "short session")
        notes.append(f"{short} not scored")
    for severity, group in groupby(findings(card), key=lambda f: f.severity):
        kinds = ", ".join(f"{f.kind} {f.found}" for f in group)
        notes.append(f"{severity}: {kinds}")
    return notes


def findings(card: Card) -> list[Findings]:
    """Return the findings about the data by kind, the gravest first."""
    by_kind: dict[tuple[str, str], list[Line]] = {}
    for one in card["data"]["quality"].get("findings", ()):
        by_kind.setdefault((one["severity"], one["kind"]), []).append(one)
    rows = [
        Findings(
            words(kind), clean(severity), len(found), _dates(found), clean(found[0]["message"])
        )
        for (severity, kind), found in by_kind.items()
    ]
    return sorted(rows, key=lambda row: _gravity(row.severity))


def _gravity(severity: str) -> int:
    return _SEVERITIES.index(severity) if severity in _SEVERITIES else len(_SEVERITIES)


def _dates(found: Iterable[Line]) -> str:
    days = [clean(day) for day in map(itemgetter("date"), found) if day]
    if not days:
        return ""
    first, last = min(days), max(days)
    return first if first == last else f"{first} to {last}"


def chance_note(card: Card) -> str:
    """Return which nulls were run, how often each."""
    runs: dict[str, int] = {}
    for line in card["criteria"]:
        for null, drawn in line["nulls"].items():
            runs[null] = drawn["runs"]
    if not runs:
        return "not measured"
    parts = (f"{null_name(n)}: {null_words(n)} ({count(r)} runs)" for n, r in runs.items())
    return "; ".join(parts)


def coin_flip_note(card: Card) -> str:
    """Return what the same detectors score where there is no direction; empty if not measured."""
    found = card.get("coin_flip")
    if not found:
        return ""
    alerts = f" with {count(found['alerts'])} alerts" if found.get("alerts") is not None else ""
    rates = " / ".join(percent(found[rate]) for rate in RATES)
    return (
        f"the same detectors on bars without direction score {rates} "
        f"(capture / false positives / win rate){alerts}"
    )


# What a rejected test means, and what it does not.
REJECTION = (
    "beating coin-flip bars means that these bars are not coin flips; it does not mean that "
    "there is an edge to trade"
)


def in_sample_note(card: Card) -> str:
    """Return the caveat about a user's own detectors and filters; empty where none applies."""
    if not card.get("in_sample_possible"):
        return ""
    return (
        "an in-sample fit cannot be excluded: a detector or filter that is not built in says "
        "neither how it is fitted (fit=) nor until when it was (fitted_until=)"
    )


def calibration_notes(card: Card) -> list[str]:
    """Return how true the stated probabilities were, one sentence a detector."""
    notes = []
    for detector, found in (card.get("calibration") or {}).items():
        if not found["alerts"]:
            continue
        z = formats.number(found["z"], 2, "en", signed=True)
        notes.append(
            f"{clean(detector)} led {counted(found['alerts'], 'alert')}, {count(found['valid'])} "
            f"of them valid; it expected {plain(found['expected'], 1)} (z {z})"
        )
    return notes


def caveats(card: Card) -> list[str]:
    """Return what stands beside the verdict in every rendering."""
    notes = [in_sample_note(card), coin_flip_note(card)]
    changed = changed_settings(card)
    if changed:
        notes.append(f"settings changed (default): {'; '.join(changed)}")
    return [note for note in notes if note]


def audit_notes(card: Card) -> list[str]:
    """Return each audit in words, those that failed first."""
    items = card["audits"].get("items", [])
    if not items:
        return ["not run"]
    notes = [f"{words(i['name'])} FAILED: {clean(i['detail'])}" for i in items if not i["clean"]]
    passed = [f"{words(i['name'])} ({count(i['cases'])})" for i in items if i["clean"]]
    return notes + ([f"clean: {', '.join(passed)}"] if passed else [])


def sensitivity(card: Card) -> tuple[list[str], list[SensitivityRow]]:
    """Return the rates under other definitions of a move: the columns' headings, and the rows."""
    grid = {(row["k"], row["min_move_left"]): row for row in card["sensitivity"]}
    lefts = sorted({left for _, left in grid})
    heads = [f"{100 * left:g}% of it left" if left else "any of it left" for left in lefts]
    used = card.get("settings", {}).get("scoring", {})
    scored = grid.get((used.get("k"), used.get("min_move_left")))
    rows = []
    for k in sorted({k for k, _ in grid}):
        for rate, chance in _SENSITIVITY:
            found = [grid.get((k, left), {}) for left in lefts]
            cells = [Cell(c.get(rate), c.get(chance), c is scored) for c in found]
            rows.append(SensitivityRow(f"{k:g} ATR", rate, cells))
    return heads, rows
