"""What the last scorecard says of each pattern, for the mails."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from alertlib.errors import ConfigError
from alertlib.texts.track_record import Record

_FIGURES = ("trades", "win_rate", "win_rate_chance", "false_positive_share",
            "false_positive_share_chance")  # fmt: skip
_COUNTS = ("trades", "wins", "tp", "false_positives")


def pattern_records(path: str | None) -> dict[str, Record]:
    """Return each pattern's figures in a scorecard; none without one.

    An alert names its pattern alone: where several detectors have it, the figures are of all
    their alerts.

    Raises
    ------
    ConfigError
        The file is named and is no scorecard.
    """
    if path is None:
        return {}
    try:
        card = json.loads(Path(path).read_bytes())
        shared = {"generated_at": card["generated_at"], "synthetic": card["data"]["synthetic"]}
        rows: dict[str, list[dict[str, Any]]] = {}
        for row in card["per_detector"]:
            rows.setdefault(row["pattern"], []).append(row)
        found = {pattern: _figures(same) for pattern, same in rows.items()}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(
            f"live.scorecard: {path} cannot be read ({error}), expected a scorecard written by "
            "runners.backtest --json; write it again, or set null"
        ) from None
    known = {name: value for name, value in shared.items() if value is not None}
    return {
        pattern: Record(**figures, **known)  # type: ignore[typeddict-item]  # by name
        for pattern, figures in found.items()
    }


def _figures(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the figures of a pattern's rows; of several none by chance, which do not add up."""
    if len(rows) == 1:
        return {name: rows[0][name] for name in _FIGURES if rows[0].get(name) is not None}
    trades, wins, valid, false = (sum(row[name] for row in rows) for name in _COUNTS)
    rates = {"win_rate": (wins, trades), "false_positive_share": (false, valid + false)}
    return {"trades": trades, **{name: n / of for name, (n, of) in rates.items() if of}}
