"""A run in a notebook, on a terminal and as text: its scorecard."""

from __future__ import annotations

from typing import Any

from alertlib.report.plain import run_text
from alertlib.scorecard.card import Scorecard


class Rendered:
    """What shows itself by a scorecard."""

    scorecard: Scorecard

    def __repr__(self) -> str:
        return run_text(self.scorecard)

    def __rich__(self) -> Any:
        from alertlib.report.terminal.terminal import scorecard_renderable

        return scorecard_renderable(self.scorecard.to_dict())

    def _repr_html_(self) -> str:
        from alertlib.report.page.page import scorecard_fragment

        return scorecard_fragment(self.scorecard)
