"""A run in a notebook, on a terminal and as text: its scorecard; and as a page of its own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from alertlib._arguments import expect
from alertlib._files import write_durably
from alertlib.errors import DataError
from alertlib.report.plain import run_text
from alertlib.scorecard.card import Scorecard

if TYPE_CHECKING:
    from alertlib.report.page.explore import ExplorableRun


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


def write_page(run: ExplorableRun, path: Any) -> Path:
    """Write the page to look through a run; returns its path."""
    from alertlib.report.page.explore import explore_page

    expect("run.explore", path, (str, Path), "the path of a page to write", DataError)
    write_durably(Path(path), explore_page(run).encode())
    return Path(path)
