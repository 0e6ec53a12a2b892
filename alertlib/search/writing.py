"""A chosen configuration as a file that says what it was chosen on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from alertlib.config import Config
from alertlib.config.schema import Chosen, Settings
from alertlib.scorecard.sections import as_config


def chosen_config(settings: Settings, sessions: Sequence[str], trials: int) -> Config:
    """Return a configuration that names the sessions and trials it was chosen on.

    Parameters
    ----------
    settings : Settings
    sessions : sequence of str
        Dates, in order.
    trials : int
    """
    # A search on top of another has seen both spans.
    before = settings.chosen
    first = min(filter(None, (before.first, sessions[0])))
    last = max(filter(None, (before.last, sessions[-1])))
    return as_config(replace(as_config(settings), chosen=Chosen(first, last, trials)))


def config_text(config: Config, series: str) -> str:
    """Return a configuration as YAML: what differs from the defaults, and where it is from."""
    import yaml

    values: dict[str, Any] = {}
    whole = config.to_dict()
    for path in config.changes():
        _put(values, whole, path)
    chosen = config.chosen
    about = (
        f"# Chosen by a search: {chosen.trials:,} trials on the sessions {chosen.first} to "
        f"{chosen.last}\n# of {series}. What the gate says of those sessions is in "
        "sample, and it fails them\n# (out_of_sample). Keys that are not here have their "
        "defaults.\n"
    )
    return about + yaml.safe_dump(values, sort_keys=False, allow_unicode=True)


def _put(values: dict[str, Any], whole: dict[str, Any], path: str) -> None:
    """Copy one setting; a part of a mapping or list brings the whole of it."""
    section, there = values, whole
    keys = path.split(".")
    for key in keys[:-1]:
        if not isinstance(there.get(key), dict) or key == "custom":
            section[key] = there[key]
            return
        section, there = section.setdefault(key, {}), there[key]
    section[keys[-1]] = there[keys[-1]]
