"""What .ci/mutate.py changes, one place at a time, what it leaves alone, and how it tries it."""

from __future__ import annotations

import ast
import importlib
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


def script(name: str) -> ModuleType:
    """Return a script of CI as a module; it finds those beside it as it does when it is run."""
    with pytest.MonkeyPatch.context() as patched:
        patched.syspath_prepend(str(house.ROOT / ".ci"))
        return importlib.import_module(name)


@pytest.fixture(scope="module")
def changes() -> ModuleType:
    return script("mutants")


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    return script("mutate")


def test_every_place_that_runs_is_changed_and_nothing_else(changes: ModuleType) -> None:
    made = [
        changes.mutated(SOURCE, number)[1].partition(": ")[2]
        for number, _ in enumerate(changes.edits(ast.parse(SOURCE)))
    ]

    assert sorted(made) == sorted(
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


def test_a_mutant_is_the_source_but_for_one_place(changes: ModuleType) -> None:
    plain = ast.unparse(ast.parse(SOURCE)).splitlines()
    for number, _ in enumerate(changes.edits(ast.parse(SOURCE))):
        changed = changes.mutated(SOURCE, number)[0].splitlines()

        assert sum(a != b for a, b in zip(plain, changed, strict=True)) == 1


def test_a_seed_chooses_the_same_mutants_again(changes: ModuleType) -> None:
    first, again, other = (changes.chosen(["alertlib/kernels"], 20, seed) for seed in (1, 1, 2))

    assert first == again != other
    assert len(set(first)) == 20
    assert [str(m) for m in changes.chosen([str(first[0])], 20, 1)] == [str(first[0])]


@pytest.mark.parametrize("name", ["alertlib/kernels/legs.py@9999", "no.py@1", "a@b", "alertlib/no"])
def test_what_is_not_there_is_said_in_one_line(changes: ModuleType, name: str) -> None:
    with pytest.raises(SystemExit, match=r"got no such .*, expected"):
        changes.chosen([name], 1, 1)


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
