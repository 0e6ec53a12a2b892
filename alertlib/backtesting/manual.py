"""Moves that a person marked, where a caller or the configuration names them."""

from __future__ import annotations

from typing import Any

from alertlib.bars.readers.labels import read_labels
from alertlib.bars.series import Series
from alertlib.config.schema import Settings
from alertlib.scoring.labels import Opportunities, labelled_moves


def manual_moves(series: Series, settings: Settings, labels: Any) -> Opportunities | None:
    """Return the moves of ``labels`` or of ``scoring.labels_file``, None where there are none.

    Raises
    ------
    DataError
        If they cannot be read or do not fit the bars.
    """
    if labels is None and settings.scoring.labels == "file":
        labels = settings.scoring.labels_file
    if labels is None:
        return None
    table, where = read_labels(labels)
    return labelled_moves(series, table, where)
