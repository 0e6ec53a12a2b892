"""One browser for all tests of the page."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.browser import chromium, find_chromium


@pytest.fixture(scope="session")
def devtools(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    path = find_chromium()
    if path is None:
        pytest.skip("no chromium on this machine")
    with chromium(path, tmp_path_factory.mktemp("chromium")) as address:
        yield address
