"""A scorecard as a page of its own, or as a fragment for a notebook."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from alertlib.report import facts, figures
from alertlib.report.figures import Card

if TYPE_CHECKING:
    from alertlib.scorecard import Scorecard


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def scorecard_page(card: Card) -> str:
    """Return a self-contained HTML page: no script, no request to anywhere.

    Parameters
    ----------
    card : dict
        ``Scorecard.to_dict()`` or the parsed JSON file.
    """
    return _environment().get_template("page.html.j2").render(card=card, f=figures, facts=facts)


def scorecard_fragment(card: Card | Scorecard) -> str:
    """Return a scorecard as a table for a notebook's cell.

    Parameters
    ----------
    card : Scorecard or dict
        A dict is ``Scorecard.to_dict()`` or the parsed JSON file.
    """
    return (
        _environment()
        .get_template("fragment.html.j2")
        .render(card=figures.as_card(card), f=figures, facts=facts)
    )
