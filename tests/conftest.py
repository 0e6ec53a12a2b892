"""Fixtures and hypothesis settings shared by the tests of the core."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from alertlib.detection.detectors import REGISTRY
from alertlib.scoring.engine import COMPILED, INTERPRETED, Engine
from tests.support.browser import chromium, find_chromium

if TYPE_CHECKING:
    from alertlib.backtesting.run import Run

# Examples are drawn anew in every run and replayed from the database when one has failed. A
# deadline would time the machine rather than the code.
settings.register_profile("alertlib", deadline=None, max_examples=30, print_blob=True)
# For suites that ask whether anything is different at all: another Python, other versions.
settings.register_profile("few", settings.get_profile("alertlib"), max_examples=5)
settings.load_profile("alertlib")
# Commands under test say more on GitHub; the tests of that set these themselves.
for _name in ("GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY"):
    os.environ.pop(_name, None)


@pytest.fixture(scope="session")
def devtools(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a real browser, one for all tests of a process."""
    path = find_chromium()
    if path is None:
        pytest.skip("no chromium on this machine")
    with chromium(path, tmp_path_factory.mktemp("chromium")) as address:
        yield address


@pytest.fixture(params=[INTERPRETED, COMPILED], ids=lambda engine: engine.name)
def engine(request: pytest.FixtureRequest) -> Engine:
    """Plain Python, and numba (plain Python again under ``NUMBA_DISABLE_JIT=1``)."""
    chosen: Engine = request.param
    return chosen


@pytest.fixture
def own_registry() -> Iterator[None]:
    """Detectors registered by a test are gone after it."""
    before = dict(REGISTRY)
    yield
    REGISTRY.clear()
    REGISTRY.update(before)


@pytest.fixture(scope="session")
def plain() -> Run:
    """Forty sessions of a walk under the default settings."""
    from tests.support.backtests import FORTY_SESSIONS, run_of

    return run_of(FORTY_SESSIONS)
