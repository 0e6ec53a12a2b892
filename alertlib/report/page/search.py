"""What a search found, as a page of its own or as a fragment for a notebook."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from alertlib.report.page.page import environment


class Table(NamedTuple):
    """A caption, names of columns, and rows of text."""

    caption: str
    names: Sequence[str]
    rows: Sequence[Sequence[str]]


class Account(NamedTuple):
    """What a search says of itself.

    Attributes
    ----------
    title : str
        What was searched.
    synthetic : bool
        Whether the bars were made up.
    sentences : sequence of str
        Each a line.
    tables : sequence of Table
    """

    title: str
    synthetic: bool
    sentences: Sequence[str]
    tables: Sequence[Table]


def search_page(account: Account) -> str:
    """Return a self-contained HTML page: no script, no request to anywhere."""
    return _render("search.html.j2", account)


def search_fragment(account: Account) -> str:
    """Return the same for a notebook's cell, light or dark."""
    return _render("search_fragment.html.j2", account)


def _render(template: str, account: Account) -> str:
    values = account._asdict()
    # A column is its heading and its class.
    values["tables"] = [
        {"caption": t.caption, "names": [(name, "") for name in t.names], "rows": t.rows}
        for t in account.tables
    ]
    return environment().get_template(template).render(values)
