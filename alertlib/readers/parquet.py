"""Bars from Parquet files."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from alertlib.errors import DataError
from alertlib.readers.columns import table_from_columns
from alertlib.readers.table import Table

SYNTHETIC_KEY = "alertlib.synthetic"


def read_parquet(path: Path) -> Table:
    """Read one Parquet file."""
    try:
        metadata = pl.read_parquet_metadata(path)
        frame = pl.read_parquet(path, glob=False, hive_partitioning=False)
    except pl.exceptions.PolarsError as error:
        raise DataError(
            f"{path}: not a readable Parquet file ({error}); export it again"
        ) from error
    synthetic = metadata.get(SYNTHETIC_KEY, "").lower() == "true"
    return table_from_columns(frame, str(path), "Parquet", synthetic=synthetic)
