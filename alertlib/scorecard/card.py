"""The scorecard: every figure of a run, as plain values."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, asdict, dataclass, field, fields
from math import isfinite
from typing import Any, Literal

from alertlib._arguments import expect
from alertlib.errors import DataError
from alertlib.scorecard.form import faulty_section

Verdict = Literal["PASS", "FAIL", "INSUFFICIENT", "UNTESTED"]
# By null: chance, p_value, runs and dropped.
Drawn = dict[str, dict[str, float | int | None]]

SCHEMA = "scorecard.v2"
# Schemas that can be read.
READABLE = ("scorecard.v1", SCHEMA)


@dataclass(frozen=True)
class Criterion:
    """One line of the gate.

    Attributes
    ----------
    name : str
    value : float or None
        None where undefined, which never passes.
    op : str
        How ``value`` has to compare with ``threshold``.
    threshold : float
    n, n_eff : float or None
        Observations, and how many independent ones they are worth.
    ci_low, ci_high : float or None
        Two-sided 95 % Wilson interval at ``n_eff``.
    chance, p_value : float or None
        Of the least favourable null that applies.
    passed : bool
    proven : bool or None
        Whether the one-sided 95 % bound clears the threshold; None where there is no interval.
    boot_low, boot_high : float or None
        95 % percentile interval of the bootstrap over sessions.
    nulls : dict
        Chance, p-value and runs under each null.
    reason : str or None
        ``geometry`` of a win rate that does not count, ``untested`` of a test against chance
        that was not run, or not often enough; the names of audits that are not clean.
    """

    name: str
    value: float | None
    op: str
    threshold: float
    passed: bool
    n: int | None = None
    n_eff: float | None = None
    ci_low: float | None = None
    ci_high: float | None = None
    chance: float | None = None
    p_value: float | None = None
    proven: bool | None = None
    boot_low: float | None = None
    boot_high: float | None = None
    nulls: Drawn = field(default_factory=dict)
    reason: str | None = None


@dataclass(frozen=True, repr=False)
class Scorecard:
    """What a run came to. See the interface document for each section's keys."""

    spec: str
    spec_hash: str
    config_hash: str
    git_rev: str | None
    versions: dict[str, str]
    settings: dict[str, Any]
    seed: int
    generated_at: str | None
    data: dict[str, Any]
    counts: dict[str, Any]
    rates: dict[str, float | None]
    criteria: tuple[Criterion, ...]
    verdict: Verdict
    proven: bool
    reasons: tuple[str, ...]
    warnings: tuple[str, ...]
    trade: dict[str, float | None]
    timeliness: dict[str, Any]
    sensitivity: tuple[dict[str, float | None], ...]
    per_detector: tuple[dict[str, Any], ...]
    per_session: tuple[dict[str, Any], ...]
    audits: dict[str, Any]
    in_sample_possible: bool = False
    coin_flip: dict[str, Any] | None = None
    calibration: dict[str, Any] = field(default_factory=dict)
    changed_settings: dict[str, Any] = field(default_factory=dict)
    config_source: str | None = None
    schema: str = SCHEMA

    @classmethod
    def from_json(cls, text: str | bytes) -> Scorecard:
        """Return a scorecard from its JSON text, of this version's schema or the one before.

        Raises
        ------
        DataError
            If the text is not a whole scorecard.
        """
        values = read_card(text, "scorecard")
        values |= {k: tuple(v) for k, v in values.items() if isinstance(v, list)}
        values["criteria"] = tuple(Criterion(**_known(Criterion, c)) for c in values["criteria"])
        return cls(**_known(cls, values))

    def criterion(self, name: str) -> Criterion:
        """Return the criterion called ``name``."""
        for criterion in self.criteria:
            if criterion.name == name:
                return criterion
        raise KeyError(name)

    def to_dict(self) -> dict[str, Any]:
        """Return the scorecard as JSON-able values; undefined is None, never NaN."""
        values = asdict(self)
        cleaned = _plain({"schema": values.pop("schema"), **values})
        assert isinstance(cleaned, dict)
        return cleaned

    def to_json(self) -> str:
        """Return the scorecard as JSON text, the same for the same inputs."""
        return json.dumps(self.to_dict(), indent=2, ensure_ascii=False, allow_nan=False) + "\n"

    def __repr__(self) -> str:
        shown = ", ".join(
            f"{c.name} {'undefined' if c.value is None else format(c.value, '.3f')}"
            for c in self.criteria[:3]
        )
        mark = " (SYNTHETIC SAMPLE)" if self.data.get("synthetic") else ""
        return f"<Scorecard {self.verdict}{mark}: {shown}>"


def read_card(text: str | bytes, where: str) -> dict[str, Any]:
    """Return the values of a scorecard's JSON text.

    Raises
    ------
    DataError
        If it is not a whole scorecard of a schema in ``READABLE``; ``where`` names it.
    """
    expect(
        where, text, (str, bytes, bytearray),
        "the JSON text of a scorecard, as Scorecard.to_json returns it", DataError,
    )  # fmt: skip
    try:
        card = json.loads(text, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise DataError(
            f"{where}: cannot be read ({error}); expected a scorecard written by "
            "runners.backtest --json"
        ) from error
    if not isinstance(card, dict) or card.get("schema") not in READABLE:
        raise DataError(
            f"{where}: not a scorecard; expected JSON with schema {' or '.join(READABLE)}"
        )
    for f in fields(Scorecard):
        if f.name in card:
            continue
        if f.default is not MISSING:
            card[f.name] = f.default
        elif f.default_factory is not MISSING:
            card[f.name] = f.default_factory()
        else:
            raise DataError(
                f"{where}: {f.name} is missing; expected a whole scorecard; write it again"
            )
    faulty = faulty_section(card)
    if faulty is not None:
        raise DataError(
            f"{where}: {faulty} is not that of a scorecard; expected a whole scorecard; "
            "write it again"
        )
    return card


def _no_number(text: str) -> None:
    raise ValueError(f"{text} is no number of JSON's")


def _known(section: type[Any], values: dict[str, Any]) -> dict[str, Any]:
    return {f.name: values[f.name] for f in fields(section) if f.name in values}


def leaves(tree: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    """Return the values of nested sections with their dotted paths."""
    for name, value in tree.items():
        if isinstance(value, Mapping):
            yield from leaves(value, f"{path}{name}.")
        else:
            yield f"{path}{name}", value


def canonical_hash(values: Any) -> str:
    """Return the sha256 of the canonical JSON of ``values``."""
    text = json.dumps(_plain(values), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _plain(value: Any) -> Any:
    """Return ``value`` with tuples as lists, numpy scalars as Python's, NaN and inf as None."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float) and not isfinite(value):
        return None
    return value
