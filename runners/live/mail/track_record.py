"""What the daemon needs from outside its configuration: tokens, logins, the last scorecard."""

from __future__ import annotations

import json
from pathlib import Path

from alertlib.errors import ConfigError
from alertlib.texts.track_record import Record

_FIGURES = ("trades", "win_rate", "win_rate_chance", "false_positive_share",
            "false_positive_share_chance")  # fmt: skip


def pattern_records(path: str | None) -> dict[str, Record]:
    """Return each pattern's figures in a scorecard; none without one.

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
        rows = [(row["pattern"], row) for row in card["per_detector"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(
            f"live.scorecard: {path} cannot be read ({error}), expected a scorecard written by "
            "runners.backtest --json; write it again, or set null"
        ) from None
    found: dict[str, Record] = {}
    for pattern, row in rows:
        figures = {name: row[name] for name in _FIGURES if row.get(name) is not None}
        known = {name: value for name, value in shared.items() if value is not None}
        found[pattern] = Record(**figures, **known)  # type: ignore[typeddict-item]  # by name
    return found
