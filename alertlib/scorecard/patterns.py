"""What a row of a card's patterns is called. Standard library only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any


def repeated_patterns(card: Mapping[str, Any]) -> set[str]:
    """Return the patterns of more than one detector, such as of one and of ``only`` of it."""
    times = Counter(row["pattern"] for row in card["per_detector"])
    return {pattern for pattern, n in times.items() if n > 1}


def row_name(row: Mapping[str, Any], repeated: set[str]) -> str:
    """Return a row's pattern, after its detector's name where others have the pattern, too."""
    pattern = str(row["pattern"])
    # No name holds a blank, so that no two rows share what is made of both.
    return f"{row['name']} {pattern}" if pattern in repeated else pattern
