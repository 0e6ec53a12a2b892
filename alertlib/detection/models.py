"""What a detector has learned, and the file that live loads it from."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from math import isfinite
from pathlib import Path
from typing import Any

from alertlib.detection.detectors import Detector
from alertlib.errors import ConfigError

SCHEMA = "model.v1"


@dataclass(frozen=True)
class Model:
    """Parameters that a detector has learned.

    Attributes
    ----------
    detector : str
    params : object
        Of the detector's own type.
    first, last : date
        First and last session it learned from.
    data_sha256 : str
        Hash of the bars these are part of.
    """

    detector: str
    params: Any
    first: date
    last: date
    data_sha256: str

    def to_dict(self) -> dict[str, Any]:
        """Return the model as JSON-able values."""
        return {
            "schema": SCHEMA,
            "detector": self.detector,
            "params": self.params._asdict(),
            "first": self.first.isoformat(),
            "last": self.last.isoformat(),
            "data_sha256": self.data_sha256,
        }

    def write(self, folder: str | Path) -> Path:
        """Write the model where a daemon looks for it, and return the file.

        Raises
        ------
        ConfigError
            If it holds parameters that are not numbers (a frame detector's, which cannot run
            live).
        """
        path = model_path(folder, self.detector)
        try:
            text = json.dumps(self.to_dict(), indent=2, allow_nan=False) + "\n"
        except (AttributeError, TypeError, ValueError) as error:
            raise ConfigError(
                f"detector {self.detector!r}: its parameters cannot be written ({error}); expected "
                "a NamedTuple of finite numbers, or tuples of them"
            ) from error
        path.parent.mkdir(parents=True, exist_ok=True)
        new = path.with_suffix(".new")
        new.write_text(text, encoding="utf-8")
        new.replace(path)
        return path


def model_path(folder: str | Path, detector: str) -> Path:
    """Return the file of a detector's model; a name may hold what a file's name may not."""
    safe = "".join(c if c.isalnum() or c in "_.-" else f"%{ord(c):02x}" for c in detector)
    return Path(folder) / f"{safe}.json"


def load_model(folder: str | Path, detector: Detector) -> Model:
    """Return what was last fitted for ``detector``.

    Raises
    ------
    ConfigError
        If there is no model, or it is not one of this detector.
    """
    path = model_path(folder, detector.name)
    try:
        values = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise ConfigError(
            f"no model at {path}; fit one with python -m runners.backtest --models {folder}"
        ) from None
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path} cannot be read ({error}); fit it again") from error
    try:
        if values["schema"] != SCHEMA or values["detector"] != detector.name:
            raise ValueError("schema or detector is another")
        given = {k: tuple(v) if isinstance(v, list) else v for k, v in values["params"].items()}
        return Model(
            detector.name,
            plain_params(detector, type(detector.params)(**given)),
            date.fromisoformat(values["first"]),
            date.fromisoformat(values["last"]),
            values["data_sha256"],
        )
    except (KeyError, TypeError, ValueError, AttributeError, ConfigError) as error:
        raise ConfigError(
            f"{path} is not a model of detector {detector.name!r} ({error}); fit it again"
        ) from error


def load_models(
    detectors: Iterable[Detector], folder: str | Path
) -> tuple[dict[str, Model], dict[str, str]]:
    """Return the models of the detectors that are fitted, and why others have none, by name."""
    models, missing = {}, {}
    for detector in detectors:
        if detector.fit is None:
            continue
        try:
            models[detector.name] = load_model(folder, detector)
        except ConfigError as error:
            missing[detector.name] = str(error)
    return models, missing


def plain_params(detector: Detector, params: Any) -> Any:
    """Return fitted parameters as Python's own numbers, checked against the declared ones.

    Raises
    ------
    ConfigError
        If they are not of the declared type, or hold anything but finite numbers and tuples of
        them.
    """
    expected = type(detector.params)
    if type(params) is not expected:
        raise ConfigError(
            f"detector {detector.name!r}: its fit returned {type(params).__name__}, expected "
            f"{expected.__name__}, the type of its declared params"
        )
    return expected(
        *(_plain(detector, name, value) for name, value in zip(params._fields, params, strict=True))
    )


def _plain(detector: Detector, name: str, value: Any) -> Any:
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, list | tuple):
        return tuple(_plain(detector, name, each) for each in value)
    if not isinstance(value, int | float) or not isfinite(value):
        raise ConfigError(
            f"detector {detector.name!r}: its fit returned {name} = {value!r}, expected a finite "
            "number or a tuple of them"
        )
    return value
