"""Settings that say which detectors ran, where a caller handed them over."""

from __future__ import annotations

from dataclasses import replace
from enum import Enum
from typing import Any

from alertlib.config.schema import Settings
from alertlib.detection.builtin import BUILT_IN
from alertlib.detection.detectors import Detector
from alertlib.detection.records import is_record


def enabling(settings: Settings, detectors: tuple[Detector, ...]) -> Settings:
    """Return settings under which these detectors run with these parameters, for the record."""
    sections: dict[str, Any] = {d.name: d.params for d in detectors if d.name in BUILT_IN}
    custom = {
        d.name: {name: _stated(value) for name, value in d.params._asdict().items()}
        for d in detectors
        if d.name not in BUILT_IN and d.fit is None and len(d.params)
    }
    detection = replace(
        settings.detection,
        enabled=tuple(d.name for d in detectors),
        custom={**settings.detection.custom, **custom},
        **sections,
    )
    return replace(settings, detection=detection)


def _stated(value: Any) -> Any:
    """Return a parameter as a settings file states it; those of a detector within as a list."""
    if is_record(value):
        return [_stated(each) for each in value]
    return value.name if isinstance(value, Enum) else value
