"""The order of the rooms: the one table behind the layer test and the map of CONTRIBUTING.

``python -m tests.support.house`` prints the map.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]


class Floor(NamedTuple):
    """Rooms that may import from each other's floor below, and what they are for."""

    rooms: str
    purpose: str


# From the bottom up. A module imports from its own room and from rooms listed before it; rooms of
# one floor do not know each other. A room is a folder or a module, by its dotted name.
ALERTLIB = [
    Floor("_version _faces _backoff errors", "nothing below them"),
    Floor("_arguments _forking", "arguments, and forked processes, refused at the door"),
    Floor("kernels", "one detector per file: Params, State, step; standard library only"),
    Floor("config", "strict settings"),
    Floor("market", "what the exchange fixes: instruments, sessions, ticks, calendar, futures"),
    Floor("texts", "what traders read"),
    Floor("detection", "detectors declared, chosen, streamed; no numpy up to here"),
    Floor("_typing _files", "types of arrays; files written durably"),
    Floor("bars", "bars read, checked, stored, as columns"),
    Floor("scoring", "loops around the steps; moves, verdicts, fills"),
    Floor("stats", "intervals, chance, luck in selection"),
    Floor("audits", "look-ahead, parity, warm-up"),
    Floor("scorecard", "the card, the gate, differences"),
    Floor("study", "what happened around alerts and moves, as frames"),
    Floor("report", "terminal, page, figures, ci"),
    Floor("backtesting", "a run from bars to scorecard"),
    Floor("search", "many parameter sets on the backtest's own stages"),
]
RUNNERS = [
    Floor("_streams _extras", "stdout and stderr that do not fail; what an install lacks"),
    Floor("_main", "the guard every command runs under"),
    Floor("cli", "options, inputs, outputs, progress"),
    Floor("client mt5", "a client to copy; the terminal in a process of its own"),
    Floor("live", "the daemon, see below"),
    Floor("trial", "a daemon, clients and servers to try it with, and what was promised of it"),
    Floor("rehearsal", "a release installed, run, killed, verified"),
    Floor("commands", "what each command does"),
    Floor(
        "audit backtest benchmark check config doctor fetch licences rehearse summary sweep "
        "walkforward",
        "shells",
    ),
    Floor("__main__", "python -m runners, alertas: the way to each command"),
]
LIVE = [
    Floor("telemetry database feed", "logs and metrics; the SQLite file; bars in"),
    Floor("audit_log websocket", "the hash-chained log; clients, which know no store and no mail"),
    Floor("alert_store", "cursor, alerts, outbox, acknowledgements in one transaction"),
    Floor("delivery client_audit", "what all channels share; what clients did, into the log"),
    Floor("mail webhook heartbeat", "letters out by SMTP; signed JSON, and beats, by HTTPS"),
    Floor("telegram", "the mail's text out by a bot"),
    Floor("channels", "the channels a configuration enables, put together"),
    Floor("payloads health checks stopping tasks", "messages; what is not well; work kept going"),
    Floor("gauges operator_notices feed_status", "what /metrics, operator and clients are told"),
    Floor("announcing", "what is said of a start"),
    Floor("pipeline", "a bar's way, on one page"),
    Floor("daemon", "parts put together, started in order, ended in order"),
    Floor("__main__", "python -m runners.live"),
]
HOUSES = {"alertlib": ALERTLIB, "runners": RUNNERS, "runners.live": LIVE}
LIGHT = {
    "_version",
    "_faces",
    "_backoff",
    "errors",
    "_arguments",
    "kernels",
    "config",
    "market",
    "texts",
    "detection",
}


def map_of_the_house() -> str:
    """Return the map as CONTRIBUTING shows it."""
    lines = []
    for house, floors in HOUSES.items():
        lines.append(f"    {house.replace('.', '/')}/")
        lines += [f"      {floor.rooms:<33} {floor.purpose}".rstrip() for floor in floors]
    return "\n".join(lines) + "\n"


def modules() -> dict[str, Path]:
    """Every module of both packages by its dotted name; a package stands for its face."""
    return {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
        for package in ("alertlib", "runners")
        for path in sorted((ROOT / package).rglob("*.py"))
    }


def nodes(path: Path) -> Iterator[ast.Import | ast.ImportFrom]:
    """Every import statement of a module, inside functions and for type checkers as well."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            yield node


def imports(path: Path) -> set[str]:
    """Dotted names a module imports: of what it takes from a module, the module and the name."""
    found = set()
    for node in nodes(path):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        else:
            assert node.level == 0, f"{path}: imports are absolute here"
            found |= {str(node.module)} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def inner_imports(path: Path) -> Iterator[tuple[int, str]]:
    """Line and module of every import inside a function."""
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    seen = set()
    for function in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(function, functions):
            continue
        for node in ast.walk(function):
            if isinstance(node, (ast.Import, ast.ImportFrom)) and id(node) not in seen:
                seen.add(id(node))
                name = node.names[0].name if isinstance(node, ast.Import) else str(node.module)
                yield node.lineno, name


def room(house: str, module: str) -> str | None:
    """Return the room of ``house`` in which ``module`` stands; None outside."""
    inside = module.removeprefix(f"{house}.")
    return None if inside == module else inside.split(".")[0]


if __name__ == "__main__":
    print(map_of_the_house(), end="")
