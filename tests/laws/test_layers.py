"""Imports point one way, and looking at the package costs nothing."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import house
from tests.support.coverage_map import COVERED, files_testing

ROOT = house.ROOT
MODULES = house.modules()
HEAVY = {"numpy", "polars", "numba", "pyarrow", "pandas", "scipy", "sklearn", "jinja2", "rich"}
WORLD = {"socket", "asyncio", "logging", "smtplib", "http", "urllib", "websockets", "sqlite3"}

# What may be imported inside a function: heavy, optional, or bound to a platform.
LATE = {
    "numba", "polars", "pyarrow", "numpy", "rich", "jinja2", "plotly", "websockets", "aiosmtplib",
    "dask", "distributed", "optuna", "fcntl", "msvcrt", "resource",
}  # fmt: skip
# The pure half of the WebSocket: decisions about bytes and frames, no event loop.
PURE = [
    "session", "protocol", "admission", "auth", "jwt", "strict_json", "limits", "responses",
    "forwarding", "refusals",
]  # fmt: skip
# Public functions: a module of that name would hide them behind `from package import name`.
HIDING = {"backtest", "check", "sweep", "walk_forward", "examine", "score", "audit"}


def library() -> dict[str, Path]:
    return {name: path for name, path in MODULES.items() if name.startswith("alertlib.")}


def outside(path: Path) -> set[str]:
    return {name.split(".")[0] for name in house.imports(path)} - {"alertlib"}


def is_face(name: str) -> bool:
    return MODULES[name].name == "__init__.py"


@pytest.mark.parametrize("name", house.HOUSES)
def test_every_module_has_its_room(name: str) -> None:
    listed = [room for floor in house.HOUSES[name] for room in floor.rooms.split()]
    found = {house.room(name, module) for module in MODULES} - {None}

    assert len(listed) == len(set(listed))
    assert found == set(listed), "a room came or went: say in tests/support/house.py where it is"


# `bars.plot` draws with what stands above the bars. It asks for it when it is called, and what it
# asks for knows frames and instruments, no Bars: the circle stays open.
UPWARD = {("alertlib.bars.bars", "alertlib.report.plots.bars")}


@pytest.mark.parametrize("name", house.HOUSES)
def test_imports_point_downward(name: str) -> None:
    """Those for type checkers, and those inside functions, as well."""
    level = {
        room: number
        for number, floor in enumerate(house.HOUSES[name])
        for room in floor.rooms.split()
    }
    wrong = [
        f"{module} imports {target}"
        for module, path in MODULES.items()
        if (home := house.room(name, module)) is not None
        for target in sorted(house.imports(path) & set(MODULES))
        if (there := house.room(name, target)) is not None and there != home
        if (module, target) not in UPWARD
        if level[there] >= level[home] and not {"_version", "_faces"} & {there}
    ]

    assert wrong == []


def test_no_module_stands_in_a_circle() -> None:
    edges = {
        module: house.imports(path) & set(MODULES) - {module}
        for module, path in MODULES.items()
        if not is_face(module)
    }

    def reached(start: str) -> set[str]:
        seen: set[str] = set()
        ahead = list(edges[start])
        while ahead:
            if (module := ahead.pop()) not in seen and not is_face(module):
                seen.add(module)
                ahead += edges[module]
        return seen

    assert [module for module in edges if module in reached(module)] == []


def test_the_walk_over_imports_sees_them() -> None:
    """The tests above would pass if they looked at nothing."""
    scored = house.imports(MODULES["alertlib.scoring.scored"])
    assert {"alertlib.scoring.labels", "alertlib.config.schema", "numpy"} <= scored
    assert "numba" in outside(MODULES["alertlib.scoring.engine"])  # inside a function
    assert "alertlib.bars.bars" in house.imports(MODULES["alertlib.bars.series"])  # for types only


def test_the_map_in_contributing_is_that_of_the_table() -> None:
    shown = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert house.map_of_the_house() in shown, "paste what python -m tests.support.house prints"


def test_kernels_see_the_standard_library_only() -> None:
    for name, path in library().items():
        if name.startswith("alertlib.kernels."):
            assert outside(path) <= sys.stdlib_module_names, name


def test_the_live_core_sees_no_array_frame_or_compiler() -> None:
    for name, path in library().items():
        if house.room("alertlib", name) in house.LIGHT:
            assert not outside(path) & HEAVY, name


def test_the_library_never_imports_what_is_built_on_it() -> None:
    for name, path in library().items():
        assert not outside(path) & {"runners", "tests", "benchmarks"}, name


def test_the_library_opens_no_socket_and_logs_nothing() -> None:
    for name, path in library().items():
        assert not outside(path) & WORLD, name


def test_the_websockets_rules_know_no_event_loop() -> None:
    for name in PURE:
        path = MODULES[f"runners.live.websocket.{name}"]
        assert not outside(path) & {"asyncio", "socket", "ssl"}, name


def test_no_module_hides_a_public_function() -> None:
    for name in library():
        assert name.rpartition(".")[2] not in HIDING, name


def test_imports_inside_functions_are_for_what_is_heavy_optional_or_of_a_platform() -> None:
    wrong = [
        f"{path.relative_to(ROOT)}:{line} {target}"
        for name, path in MODULES.items()
        for line, target in house.inner_imports(path)
        if target.split(".")[0] not in LATE and not may_be_late(name, target)
    ]

    assert wrong == []


def may_be_late(module: str, target: str) -> bool:
    """What a shell does, behind the guard; and parts that only some runs need."""
    if module.count(".") == 1 or module.endswith("__main__"):
        return target.startswith(("runners.", "alertlib.", "asyncio", "dataclasses"))
    return target in LATE_PARTS.get(module, ())


# Of our own and of the standard library; each would cost every run what few runs need.
LATE_PARTS = {
    # jinja2 and rich stand behind them.
    "alertlib.backtesting.rendering": {
        "alertlib.report.terminal.terminal",
        "alertlib.report.page.explore",
        "alertlib.report.page.page",
    },
    # Parts of Python that some builds of it lack, for files that came packed.
    "alertlib.bars.readers.archives": {"gzip", "bz2", "lzma", "zipfile"},
    # 20 ms of a command that takes 650: only one of the readers is needed.
    "alertlib.bars.opening": {
        "alertlib.bars.readers.delimited",
        "alertlib.bars.readers.frames",
        "alertlib.bars.readers.hive",
        "alertlib.bars.store.store",
    },
    "alertlib.bars.bars": {"alertlib.report.plots.bars"},
    # The daemon's memory: used when a notebook shows a configuration, or a mistake is explained.
    "alertlib.config.config": {"html"},
    "alertlib.config.document": {"yaml"},
    "alertlib.detection.detectors": {"pickle"},  # the daemon's memory: a search sends detectors
    "alertlib.detection.homes": {"pickle"},
    "alertlib.config.problem": {"difflib"},
    # Only where a YAML file is asked for.
    "alertlib.search.writing": {"yaml"},
    # Before the guard is up nothing of the library may be needed.
    "runners.cli.parser": {"alertlib"},
    "runners.cli.outputs": {"alertlib.scoring.frames"},  # Polars
    "runners.commands.audit": {"alertlib.config"},  # YAML is not needed with --db
    # Each step of --check says what it lacks; what it lacks may not keep the others from it.
    "runners.live.checks": {
        "runners.live.alert_store.opening",
        "runners.live.database",
        "runners.live.database.mark",
        "runners.live.feed.base",
        "runners.live.feed.choice",
        "runners.live.feed.replay",
        "runners.live.mail.notices",
        "runners.live.mail.pool",
        "runners.live.mail.settings",
        "runners.live.mail.track_record",
        "runners.live.websocket.auth",
        "runners.live.websocket.listening",
        "runners.mt5.client",
    },
    # Only where a channel is enabled, and where a terminal is the feed.
    "runners.live.channels": {
        "runners.live.delivery.courier",
        "runners.live.heartbeat",
        "runners.live.mail.letters",
        "runners.live.mail.mailer",
        "runners.live.mail.render",
        "runners.live.telegram.texts",
        "runners.live.telegram.transport",
        "runners.live.webhook.transport",
    },
    "runners.live.feed.choice": {"runners.live.feed.mt5"},
}


def test_the_lists_of_exceptions_name_what_there_is() -> None:
    assert all(target in house.imports(MODULES[module]) for module, target in UPWARD)
    late = {
        (name, target) for name in LATE_PARTS for _, target in house.inner_imports(MODULES[name])
    }
    assert {(name, target) for name in LATE_PARTS for target in LATE_PARTS[name]} <= late


CLOCKS = {"now", "utcnow", "today", "time", "monotonic", "perf_counter", "time_ns"}


# A trial is stamped when it is made, whoever makes it: the one place that knows what time it is.
CLOCK = "alertlib.search.ledger.stamping"


def test_the_library_reads_no_clock_and_prints_nothing() -> None:
    for module, path in library().items():
        if module == CLOCK:
            continue
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
        "alertlib.texts.alerts",
        "alertlib.kernels.policy",
        "alertlib.detection.registry",
        "alertlib.detection.intake",
        "alertlib.detection.stream",
    ],
)
def test_importing_it_loads_nothing_heavy(module: str) -> None:
    code = f"import sys, {module}; print(*sorted(m for m in sys.modules if '.' not in m))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert not set(done.stdout.split()) & (HEAVY | {"msgspec"})


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


def test_every_module_is_covered_by_a_test_file() -> None:
    without = [module for module in MODULES if not is_face(module) and not files_testing(module)]

    assert without == [], "give it a test of its own name, or a line in coverage_map"


def test_the_table_of_covering_tests_names_what_there_is() -> None:
    assert set(COVERED) <= set(MODULES)


def test_helpers_are_imported_in_one_way() -> None:
    """As ``tests.support.NAME``; and no test imports from another."""
    for path in (ROOT / "tests").rglob("*.py"):
        for name in house.imports(path):
            assert not name.split(".")[-1].startswith("test_"), path
            if name.startswith("tests."):
                known = name.startswith(("tests.support", "tests.naive"))
                assert known, f"{path} imports {name}"
