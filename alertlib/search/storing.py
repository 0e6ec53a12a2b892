"""A sweep as a Parquet file, and back."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from alertlib._files import write_durably
from alertlib._typing import Ints
from alertlib.config import Config
from alertlib.errors import ConfigError, DataError, StorageError
from alertlib.market.ticks import Grid as PriceGrid
from alertlib.scorecard.sections import as_config
from alertlib.search.cube import COUNTS, MONEY, Cube
from alertlib.search.grid.grid import Grid

SCHEMA = "sweep.v1"
_KEY = "alertlib.sweep"
_MAGIC = b"PAR1"


class Stored(NamedTuple):
    """What of a sweep is kept in a file; see :class:`alertlib.Sweep`."""

    grid: Grid
    combinations: Ints
    cube: Cube
    data: Mapping[str, Any]
    trials: int
    ledger: Path | None


def store(sweep: Stored, path: Path) -> None:
    """Write one row a combination: its number in the grid, parameters, counts by session.

    Raises
    ------
    StorageError
        If the file cannot be written.
    """
    cube = sweep.cube
    columns: dict[str, Any] = {name: cube.counts[:, :, i] for i, name in enumerate(COUNTS)}
    columns |= {name: cube.money[:, :, i] for i, name in enumerate(MONEY)}
    frame = sweep.grid.frame[sweep.combinations].with_columns(
        pl.Series("combination", sweep.combinations),
        *(pl.Series(name, values, dtype=_list_of(values)) for name, values in columns.items()),
        *([] if cube.paid is None else [pl.Series("paid", cube.paid)]),
    )
    facts = {
        "schema": SCHEMA,
        "settings": as_config(sweep.grid.base).to_dict(),
        "axes": {axis.key: list(axis.values) for axis in sweep.grid.axes},
        "where": list(sweep.grid.where),
        "data": dict(sweep.data),
        "trials": sweep.trials,
        "ledger": None if sweep.ledger is None else str(sweep.ledger),
        "sessions": list(cube.sessions),
        "opportunities": cube.opportunities.tolist(),
        "fees": cube.fees.tolist(),
        "prices": [
            cube.grid.numerator, cube.grid.denominator, cube.grid.per_tick, cube.grid.on_tick,
        ],
    }  # fmt: skip
    buffer = io.BytesIO()
    frame.write_parquet(buffer, metadata={_KEY: json.dumps(facts)})
    try:
        write_durably(path, buffer.getvalue())
    except OSError as error:
        raise StorageError(
            f"{path}: cannot be written ({error.strerror or error}); expected a writable place"
        ) from error


def restore(path: Path) -> Stored:
    """Read what :func:`store` wrote.

    Raises
    ------
    DataError
        If there is no such file, or it holds no sweep.
    ConfigError
        If it is of another version.
    """
    content = _content(path)
    wrong = DataError(f"{path}: not a sweep; expected a file that Sweep.write_parquet wrote")
    # Polars may end the process over a damaged file: its ends are looked at before.
    if content[:4] != _MAGIC or content[-4:] != _MAGIC:
        raise wrong
    try:
        facts = json.loads(pl.read_parquet_metadata(io.BytesIO(content))[_KEY])
        frame = pl.read_parquet(io.BytesIO(content))
    except (KeyError, ValueError, OSError, pl.exceptions.PolarsError) as error:
        raise wrong from error
    if facts.get("schema") != SCHEMA:
        raise ConfigError(
            f"{path}: got schema {facts.get('schema')!r}, expected {SCHEMA}; use the version that "
            "wrote it"
        )
    grid = Grid(facts["axes"], Config().update(facts["settings"]), facts["where"])
    cube = Cube(
        tuple(facts["sessions"]),
        np.array(facts["opportunities"], dtype=np.int64),
        np.array(facts["fees"], dtype=np.float64),
        PriceGrid(*facts["prices"]),
        np.stack([_table(frame, name) for name in COUNTS], axis=-1).astype(np.int32),
        np.stack([_table(frame, name) for name in MONEY], axis=-1).astype(np.float64),
        frame["paid"].to_numpy() if "paid" in frame.columns else None,
    )
    ledger = None if facts["ledger"] is None else Path(facts["ledger"])
    combinations = frame["combination"].to_numpy()
    return Stored(grid, combinations, cube, facts["data"], facts["trials"], ledger)


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise DataError(f"{path}: no such file; expected a sweep; check the path") from error
    except OSError as error:
        raise StorageError(
            f"{path}: cannot be read ({error.strerror or error}); expected a sweep; check its "
            "permissions"
        ) from error


def _list_of(values: Any) -> pl.Array:
    inner = pl.Int32() if values.dtype == np.int32 else pl.Float64()
    return pl.Array(inner, values.shape[1])


def _table(frame: pl.DataFrame, name: str) -> Any:
    return frame[name].to_numpy()
