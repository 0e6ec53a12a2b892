"""Frames whose lists CSV can hold."""

from __future__ import annotations

from functools import wraps
from typing import Any

import polars as pl


class Table(pl.DataFrame):
    """A Polars frame that writes its lists to CSV, joined by ``|``, where Polars refuses them.

    What is filtered, sorted or selected of it is one as well.
    """

    def write_csv(self, *args: Any, **options: Any) -> Any:
        """Write as Polars does, lists of text joined by ``|``."""
        lists = [name for name, kind in self.schema.items() if kind == pl.List(pl.String)]
        joined = pl.DataFrame(self).with_columns(pl.col(lists).list.join("|"))
        return joined.write_csv(*args, **options)


def _staying(name: str) -> Any:
    method = getattr(pl.DataFrame, name)

    @wraps(method)
    def staying(self: Table, *args: Any, **options: Any) -> Table:
        return Table(method(self, *args, **options))

    return staying


# Polars does these in a query, whose result is a plain frame.
for _name in (
    "drop", "drop_nulls", "filter", "join", "rename", "reverse", "select", "sort", "unique",
    "with_columns", "with_row_index",
):  # fmt: skip
    setattr(Table, _name, _staying(_name))
