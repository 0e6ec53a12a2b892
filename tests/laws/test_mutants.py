"""What .ci/mutate.py changes, one place at a time, and what it leaves alone."""

from __future__ import annotations

import ast
import importlib.util
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from tests.support import house

SOURCE = '''
"""Two plus 2."""
from typing import TYPE_CHECKING, Annotated
if TYPE_CHECKING:
    x = 1

def f(a: Annotated[int, Range(5)], b: int | None = None) -> int | None:
    """Not 3."""
    print(a)
    if a and not b:
        return -a
    return a < b
'''


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("mutate", house.ROOT / ".ci/mutate.py")
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    path = sys.path[:]
    spec.loader.exec_module(made)
    sys.path[:] = path
    return made


def test_every_place_that_runs_is_changed_and_nothing_else(tool: ModuleType) -> None:
    changes = [
        tool.mutated(SOURCE, number)[1].partition(": ")[2]
        for number, _ in enumerate(tool.edits(ast.parse(SOURCE)))
    ]

    assert sorted(changes) == sorted(
        [
            "5  ->  6",
            "print(a)  ->  None",
            "a and (not b)  ->  a or not b",
            "not b  ->  not not b",
            "-a  ->  +a",
            "a < b  ->  a <= b",
            "a < b  ->  a >= b",
        ]
    )


def test_a_mutant_is_the_source_but_for_one_place(tool: ModuleType) -> None:
    plain = ast.unparse(ast.parse(SOURCE)).splitlines()
    for number, _ in enumerate(tool.edits(ast.parse(SOURCE))):
        changed = tool.mutated(SOURCE, number)[0].splitlines()

        assert sum(a != b for a, b in zip(plain, changed, strict=True)) == 1


def test_a_seed_chooses_the_same_mutants_again(tool: ModuleType) -> None:
    first, again, other = (tool.chosen(["alertlib/kernels"], 20, seed) for seed in (1, 1, 2))

    assert first == again != other
    assert len(set(first)) == 20
    assert [str(m) for m in tool.chosen([str(first[0])], 20, 1)] == [str(first[0])]


@pytest.mark.parametrize("name", ["alertlib/kernels/legs.py@9999", "no.py@1", "a@b", "alertlib/no"])
def test_what_is_not_there_is_said_in_one_line(tool: ModuleType, name: str) -> None:
    with pytest.raises(SystemExit, match=r"got no such .*, expected"):
        tool.chosen([name], 1, 1)


@pytest.mark.parametrize(
    ("path", "how"),
    [
        ("alertlib/kernels/legs.py", ("interpreted", "tests/kernels/test_legs.py")),
        ("alertlib/stats/nulls.py", ("compiled", "tests/stats/test_nulls.py")),
        ("alertlib/scoring/engine.py", ("anew", "tests/scoring/test_engine.py")),
    ],
)
def test_compiled_loops_are_used_where_they_are_of_the_same_sources(
    tool: ModuleType, path: str, how: tuple[str, ...]
) -> None:
    assert tool.how_to_test(path) == (*how, "tests/laws/test_values.py")


def test_the_quickest_tests_of_the_quickest_file_come_first(
    tool: ModuleType, tmp_path: Path
) -> None:
    seconds = {"slow::a": 3.0, "slow::b": 0.1, "quick::c": 0.4, "quick::d": 0.2}
    kept = tmp_path / "costs.json"
    first = tool.Costs(kept)
    for name, each in seconds.items():
        for part in (each / 2, each / 2):
            first.pytest_runtest_logreport(SimpleNamespace(nodeid=name, duration=part))
    first.pytest_sessionfinish()

    items = [SimpleNamespace(nodeid=name) for name in seconds]
    tool.Costs(kept).pytest_collection_modifyitems(items)

    assert [item.nodeid for item in items] == ["quick::d", "quick::c", "slow::b", "slow::a"]
