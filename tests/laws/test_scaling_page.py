"""The page on scaling shows what was measured."""

from __future__ import annotations

import json

from benchmarks import search_page

FIGURES = json.loads(search_page.RESULTS.read_text(encoding="utf-8"))


def test_the_table_is_made_of_the_committed_figures() -> None:
    assert search_page.shown() == search_page.render(FIGURES)


def test_every_figure_is_shown() -> None:
    page = search_page.shown()
    assert len(FIGURES["rows"]) > 30
    for row in FIGURES["rows"]:
        assert f"| {row['what']} |" in page
        assert f"{row['bars']:,} bars" in page
