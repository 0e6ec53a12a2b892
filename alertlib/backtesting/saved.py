"""Runs on disk: a folder of JSON and Parquet, and what comes back of it."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol

import polars as pl

from alertlib._arguments import expect
from alertlib._files import write_durably
from alertlib._forking import expect_no_fork
from alertlib.backtesting.differing import ComparedRun, difference
from alertlib.backtesting.rendering import Rendered
from alertlib.bars.bars import Bars
from alertlib.config import Config
from alertlib.config.schema import Settings
from alertlib.errors import ConfigError, DataError, StorageError
from alertlib.market.instruments import find_instrument
from alertlib.scorecard.card import Scorecard
from alertlib.scorecard.difference import Difference
from alertlib.scorecard.sections import as_config
from alertlib.scoring.tables import Table
from alertlib.study.explanation import Explanation, explain_alert

SCHEMA = "run.v1"
_HEAD, _CARD = "run.json", "scorecard.json"
_FRAMES = ("alerts", "opportunities", "trades", "suppressed", "missed", "calibration")


@dataclass(frozen=True, repr=False, eq=False)
class SavedRun(Rendered):
    """A run as it was saved: its scorecard and frames, without its bars.

    Attributes
    ----------
    scorecard : Scorecard
    config : Config
    sha256 : str
        Of the bars that were scored, :attr:`alertlib.Bars.sha256`.
    alerts, opportunities, trades, suppressed : DataFrame
        As of :class:`alertlib.Run`.
    """

    scorecard: Scorecard
    config: Config
    sha256: str
    alerts: pl.DataFrame
    opportunities: pl.DataFrame
    trades: pl.DataFrame
    suppressed: pl.DataFrame
    _missed: pl.DataFrame
    _calibration: pl.DataFrame

    def missed(self) -> pl.DataFrame:
        """Return the opportunities no alert captured, each with the reason."""
        return self._missed

    def calibration(self) -> pl.DataFrame:
        """Return how often alerts were valid, by the probability their detector stated."""
        return self._calibration

    def explain(self, alert_id: str) -> Explanation:
        """Return how one alert was scored; what detectors saw needs the bars."""
        data, bars = self.scorecard.data, self.config.scoring.early_bars
        known = find_instrument(data["symbol"], data["timeframe"])
        return explain_alert(
            self.alerts, self.opportunities, alert_id,
            suppressed=self.suppressed, early=timedelta(minutes=bars * known.minutes),
        )  # fmt: skip

    def diff(self, other: ComparedRun) -> Difference:
        """Return how this run differs from ``other``: settings, figures and alerts."""
        return difference(other, self)


class FreshRun(ComparedRun, Protocol):
    """A run with everything it was made of: :class:`alertlib.Run`."""

    @property
    def bars(self) -> Bars:
        """The bars that were scored."""

    @property
    def config(self) -> Settings:
        """The settings they were scored with."""


def save_run(run: FreshRun, path: Any) -> Path:
    """Write a run into a folder, in the place of a run that is there.

    Its settings are written whole, addresses of webhooks and heartbeats with them.

    Parameters
    ----------
    run : Run
    path : path
        Made if need be. A folder of anything else is refused.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    StorageError
        If it cannot be written, or holds something else than a run.
    """
    folder = _folder(path, "run.save")
    try:
        is_other = folder.exists() and not folder.is_dir()
        is_other = is_other or (
            folder.is_dir() and not (folder / _HEAD).exists() and any(folder.iterdir())
        )
    except OSError as error:
        raise StorageError(
            f"{folder}: cannot be read ({error.strerror or error}); choose another folder"
        ) from error
    if is_other:
        raise StorageError(
            f"{folder}: holds something that is no run; expected a new folder or one that "
            "run.save made; choose another"
        )
    files = {_CARD: run.scorecard.to_json().encode()}
    for name in _FRAMES:
        frame = getattr(run, name)
        files[f"{name}.parquet"] = _parquet(frame() if callable(frame) else frame)
    head = {
        "schema": SCHEMA,
        "bars_sha256": run.bars.sha256,
        "settings": as_config(run.config).to_dict(),
        "files": {name: hashlib.sha256(content).hexdigest() for name, content in files.items()},
    }
    # The head is written last: what is half written is no run.
    _remove(folder / _HEAD)
    for name, content in files.items():
        write_durably(folder / name, content)
    write_durably(folder / _HEAD, _json(head))
    return folder


def load_run(path: Any) -> SavedRun:
    """Read a run that ``run.save`` wrote.

    Parameters
    ----------
    path : path
        Its folder.

    Returns
    -------
    SavedRun

    Raises
    ------
    DataError
        If there is none, or a file of it is missing or damaged.
    ConfigError
        If it is of another version.
    """
    expect_no_fork()
    folder = _folder(path, "load_run")
    content = _read(folder, _HEAD)
    try:
        head = json.loads(content)
        schema, hashes, settings = head["schema"], dict(head["files"]), dict(head["settings"])
        sha256 = str(head["bars_sha256"])
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise DataError(
            f"{folder / _HEAD}: not the head of a run; expected what run.save wrote; save it again"
        ) from error
    if schema != SCHEMA:
        raise ConfigError(
            f"{folder}: got schema {schema!r}, expected {SCHEMA}; use the version that wrote it"
        )
    files = {name: _checked(folder, name, hashes) for name in _names()}
    frames = {
        name: Table(pl.read_parquet(io.BytesIO(files[f"{name}.parquet"]))) for name in _FRAMES
    }
    missed, calibration = frames.pop("missed"), frames.pop("calibration")
    card = Scorecard.from_json(files[_CARD])
    try:
        config = Config().update(settings)
    except ConfigError as error:
        raise ConfigError(
            f"{folder}: {error}; its settings are of alertlib {card.versions.get('alertlib')}, "
            "use that to read them"
        ) from error
    return SavedRun(
        scorecard=card, config=config,
        sha256=sha256, _missed=missed, _calibration=calibration, **frames,
    )  # fmt: skip


def _names() -> tuple[str, ...]:
    return (_CARD, *(f"{name}.parquet" for name in _FRAMES))


def _folder(path: Any, where: str) -> Path:
    expect(where, path, (str, Path), "the path of a folder", DataError)
    if not str(path).strip():
        raise DataError(f"{where}: got the path {str(path)!r}; expected that of a folder; state it")
    return Path(path)


def _parquet(frame: pl.DataFrame) -> bytes:
    buffer = io.BytesIO()
    frame.write_parquet(buffer)
    return buffer.getvalue()


def _json(values: Mapping[str, Any]) -> bytes:
    return (json.dumps(values, indent=2, ensure_ascii=False) + "\n").encode()


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise StorageError(
            f"{path}: cannot be replaced ({error.strerror or error}); choose another folder"
        ) from error


def _read(folder: Path, name: str) -> bytes:
    try:
        return (folder / name).read_bytes()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise DataError(
            f"{folder}: no saved run ({name} is missing); expected a folder that run.save wrote; "
            "check the path"
        ) from error
    except OSError as error:
        raise DataError(
            f"{folder / name}: cannot be read ({error.strerror or error}); expected a saved run; "
            "check its permissions"
        ) from error


def _checked(folder: Path, name: str, hashes: Mapping[str, str]) -> bytes:
    """Return a file's content if it is what was saved: Polars may end the process over less."""
    content = _read(folder, name)
    if hashlib.sha256(content).hexdigest() != hashes.get(name):
        raise DataError(
            f"{folder / name}: is not what was saved with {_HEAD}; expected an unchanged run; "
            "save it again"
        )
    return content
