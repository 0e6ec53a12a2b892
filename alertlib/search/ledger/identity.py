"""What a ledger's trials have in common, and what tells them apart."""

from __future__ import annotations

import hashlib
import inspect
import json
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

from alertlib.config.schema import Settings
from alertlib.config.types import FrozenMap
from alertlib.detection.builtin import is_built_in
from alertlib.detection.detectors import Detector
from alertlib.detection.lineage import lineage
from alertlib.detection.records import leaves
from alertlib.market.instruments import Instrument, hours_of_families
from alertlib.scorecard.card import canonical_hash
from alertlib.scoring.scored import SPEC
from alertlib.search.grid.axes import Value
from alertlib.search.grid.keys import detectors_by_key

# Of scoring and gate: what decides a count. The seed, the runs of the nulls and the thresholds
# of the gate do not; a file of labels is known by its content.
_SCORING = (
    "labels", "k", "min_move_left", "early_bars", "sessions", "warmup_bars", "min_session_share",
)  # fmt: skip
_GATE = ("min_opportunities",)
_HASH_DIGITS = 32


@dataclass(frozen=True)
class Identity:
    """What a sweep is a sweep of.

    A ledger counts how often one set of bars was asked: that number is what a selection among
    its trials has to be judged by. So another sweep on the same bars, by the same definition,
    belongs into it, whatever it varies. Two sweeps fit the same ledger if ``data`` and ``spec``
    are the same, and every setting of ``base`` as well but those that either of them, or a
    sweep before them, has swept: a base that takes over what was found before is one more
    step of the same search.

    Attributes
    ----------
    data : str
        Hash of the bars.
    spec : str
        Hash of the rules of scoring, of the instrument and of manual labels.
    instrument : mapping
        What a reader of counts needs to know: symbol, timeframe, quantum in points, fees, hours.
    base : mapping of str to value
        The settings that decide counts, by full key, before anything is put in.
    swept : tuple of str
        Keys the sweep varies.
    sessions : tuple of str
        Dates of the sessions its counts are of, in order. They may differ between the sweeps of
        a ledger, as where some are held out.
    totals : bool
        Whether counts are sums over the sessions.
    code : mapping of str to str
        Hash of the code of each detector of the user's own: an edited one is another trial.
    """

    data: str
    spec: str
    instrument: Mapping[str, Any]
    base: Mapping[str, Any]
    swept: tuple[str, ...]
    sessions: tuple[str, ...]
    totals: bool = False
    code: Mapping[str, str] = FrozenMap()

    def configuration_hash(self, values: Mapping[str, Value]) -> str:
        """Return the hash that names a trial: of the base with ``values`` put in.

        They are as :meth:`Grid.combination` has them: 2 for 2.0 would be another value.
        """
        code = {f"code.{name}": digest for name, digest in self.code.items()}
        return configuration_hash({**self.base, **values, **code})


def identify(
    data: str,
    instrument: Instrument,
    settings: Settings,
    swept: Sequence[str],
    sessions: Sequence[str],
    *,
    totals: bool = False,
    labels: str | None = None,
) -> Identity:
    """Return what a sweep is a sweep of.

    Parameters
    ----------
    data : str
        Hash of the bars.
    instrument : Instrument
        That of the series, its price grid and hours known.
    settings : Settings
        The base.
    swept, sessions, totals
        As of :class:`Identity`.
    labels : str, optional
        Hash of the manual labels, where there are some.
    """
    grid, hours = instrument.grid, instrument.sessions
    assert grid is not None
    assert hours is not None
    facts = {
        "symbol": instrument.symbol,
        "timeframe": instrument.timeframe,
        "quantum": [grid.numerator, grid.denominator],
        "per_tick": grid.per_tick,
        "on_tick": grid.on_tick,
        "fees": [[fee.since.isoformat(), fee.points] for fee in instrument.fees],
        "hours": hours.rule(),
    }
    rules = {"spec": SPEC, "hours": hours_of_families(), "instrument": facts, "labels": labels}
    return Identity(
        data=data,
        spec=canonical_hash(rules),
        instrument=facts,
        base=deciding_settings(settings),
        swept=tuple(swept),
        sessions=tuple(sessions),
        totals=totals,
        code={
            d.name: _code_hash(d)
            for _, d in detectors_by_key(settings.detection)
            if not is_built_in(d)
        },
    )


def deciding_settings(settings: Settings) -> dict[str, Any]:
    """Return the settings that decide the counts of a trial, by full key, fit for JSON.

    Of the detectors only those that run, with the parameters they run with, whether the
    configuration states them or the code does.
    """
    detection = settings.detection
    found: dict[str, Any] = {
        "detection.enabled": list(detection.enabled),
        "detection.accept": detection.accept,
    }
    for prefix, each in detectors_by_key(detection):
        found |= dict(leaves(each.params, prefix))
    for name in ("policy", "trade"):
        section = getattr(settings, name)
        found |= {f"{name}.{key}": getattr(section, key) for key in section.__dataclass_fields__}
    found |= {f"scoring.{key}": getattr(settings.scoring, key) for key in _SCORING}
    found |= {f"gate.{key}": getattr(settings.gate, key) for key in _GATE}
    return {key: _plain(value) for key, value in found.items()}


def configuration_hash(deciding: Mapping[str, Any]) -> str:
    """Return the first 32 digits of the sha256 of deciding settings' canonical JSON."""
    text = json.dumps(deciding, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:_HASH_DIGITS]


def _code_hash(detector: Detector) -> str:
    """Return the hash of all that a detector's signals come from, its parameters aside.

    Its lineage follows functions into detectors it is made of, other modules, a notebook's cells
    and what was typed at a prompt; of an object, such as an expression of Polars, it sees the type
    only. The text of the modules that declare it makes up for that where there is one.
    """
    texts = []
    for home in sorted({detector.home, *detector.homes()}):
        # A notebook or a prompt is no file.
        with suppress(OSError, TypeError):
            texts.append(inspect.getsource(sys.modules.get(home)))  # type: ignore[arg-type]  # None: TypeError
    return lineage(replace(detector, params=None), texts)[:_HASH_DIGITS]


def _plain(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.name
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value.item() if hasattr(value, "item") else value
