"""Imports point one way, and looking at the package costs nothing."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "alertlib"

# From the bottom up: a module imports from its own layer and from those before it.
LAYERS = [
    {"_version", "_faces", "errors", "kernels"},
    {"config"},
    {"market"},
    {"texts"},
    {"detection"},
    {"_typing", "_files"},
    {"bars"},
    {"scoring"},
    {"stats"},
    {"audits"},
    {"scorecard"},
    {"report"},
    {"backtesting"},
]
LIVE = set().union(*LAYERS[:5])  # what the daemon needs: no array, no frame, no compiler
HEAVY = {"numpy", "polars", "numba", "pyarrow", "pandas", "scipy", "sklearn", "jinja2", "rich"}
WORLD = {"socket", "asyncio", "logging", "smtplib", "http", "urllib", "websockets", "sqlite3"}


def sources() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def home(path: Path) -> str:
    """The name by which a module stands in the table: its own, or that of its folder."""
    first = path.relative_to(PACKAGE).parts[0]
    return first.removesuffix(".py")


def _is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)


def _running(tree: ast.AST) -> Iterator[ast.AST]:
    """Every node but those that only a type checker sees."""
    for node in ast.iter_child_nodes(tree):
        if not _is_type_checking(node):
            yield node
            yield from _running(node)


def imports(path: Path) -> set[str]:
    """Dotted names imported anywhere in a module, inside functions as well."""
    names = set()
    for node in _running(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute here"
            module = node.module or ""
            names |= {f"{module}.{alias.name}" for alias in node.names}
    return names


def imported_homes(path: Path) -> set[str]:
    return {
        name.split(".")[1]
        for name in imports(path)
        if name.startswith("alertlib.") and not name.startswith("alertlib.__")
    }


def outside(path: Path) -> set[str]:
    return {name.split(".")[0] for name in imports(path)} - {"alertlib"}


def test_every_module_has_its_layer() -> None:
    placed = set().union(*LAYERS)
    found = {home(path) for path in sources()} - {"__init__"}

    assert found == placed, "a module came or went: say in LAYERS which layer it belongs to"
    assert sum(map(len, LAYERS)) == len(placed)


def test_imports_point_downward() -> None:
    level = {name: n for n, layer in enumerate(LAYERS) for name in layer}
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in sources()
        if home(path) != "__init__"
        for name in imported_homes(path)
        if level.get(name, 99) > level[home(path)]
    ]

    assert wrong == []


def test_the_walk_over_imports_sees_them() -> None:
    """The test above would pass if it looked at nothing."""
    assert imported_homes(PACKAGE / "scoring" / "scored.py") >= {"bars", "config", "detection"}
    assert "numpy" in outside(PACKAGE / "scoring" / "scored.py")
    assert "numba" in outside(PACKAGE / "scoring" / "engine.py")  # inside a function


def test_kernels_see_the_standard_library_only() -> None:
    for path in (PACKAGE / "kernels").glob("*.py"):
        assert imported_homes(path) <= {"kernels"}, path
        assert outside(path) <= sys.stdlib_module_names, path


def test_the_live_core_sees_no_array_frame_or_compiler() -> None:
    for path in sources():
        if home(path) in LIVE:
            assert not outside(path) & HEAVY, path


def test_the_library_never_imports_what_is_built_on_it() -> None:
    for path in sources():
        assert not outside(path) & {"runners", "tests", "benchmarks"}, path


def test_the_library_opens_no_socket_and_logs_nothing() -> None:
    for path in sources():
        assert not outside(path) & WORLD, path


CLOCKS = {"now", "utcnow", "today", "time", "monotonic", "perf_counter", "time_ns"}


def test_the_library_reads_no_clock_and_prints_nothing() -> None:
    for path in sources():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            called = ast.unparse(node.func)
            owner, _, name = called.rpartition(".")
            reads = name in CLOCKS and owner.split(".")[0] in {"datetime", "date", "time"}
            assert not reads, f"{path}:{node.lineno} calls {called}"
            assert called != "print", f"{path}:{node.lineno} prints"


@pytest.mark.parametrize(
    "module",
    [
        "alertlib",
        "alertlib.config",
        "alertlib.detection.stream",
        "alertlib.kernels.policy",
        "alertlib.detection.detectors",
    ],
)
def test_importing_it_loads_nothing_heavy(module: str) -> None:
    code = f"import sys, {module}; print(*sorted(m for m in sys.modules if '.' not in m))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert not set(done.stdout.split()) & (HEAVY - {"jinja2", "rich"} | {"msgspec", "zoneinfo"})


def test_a_stream_runs_without_anything_heavy() -> None:
    code = (
        "import sys, alertlib as al; from datetime import datetime, timedelta;"
        "stream = al.Stream(al.Config(), symbol='WIN$N', timeframe='M5');"
        "start = datetime(2021, 4, 5, 9);"
        "times = [start + timedelta(minutes=5 * n) for n in range(60)];"
        "alerts = [stream.on_bar(al.Bar(time, 5e4, 5e4, 5e4, 5e4)) for time in times];"
        "print(stream.bars, *sorted(m for m in sys.modules if '.' not in m))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )

    bars, *modules = done.stdout.split()
    assert bars == "60"
    assert not set(modules) & HEAVY


def test_every_public_name_leads_somewhere() -> None:
    import alertlib

    for name in alertlib.__all__:
        assert getattr(alertlib, name) is not None, name
    assert set(alertlib.__all__) <= set(dir(alertlib))
    with pytest.raises(AttributeError, match="module 'alertlib' has no attribute 'nothing'"):
        alertlib.nothing  # noqa: B018  # the attribute is what is under test
