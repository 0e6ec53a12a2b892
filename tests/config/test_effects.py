"""Each setting is read where it belongs, and those of the audit have their effect."""

from __future__ import annotations

import ast
import dataclasses
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from alertlib.config import load_config
from alertlib.config.schema import Settings, Webhook
from alertlib.errors import ConfigError
from runners.live.database.place import database_path
from tests.support.audit_data import ask, sql
from tests.support.running import SAMPLE, Running, events, run, write_config
from tests.support.store_data import ROOT

# Folders whose code is to read the settings of a section, and the names it goes by there.
READERS = {
    "data": (("alertlib", "runners"), {"data"}),
    "detection": (("alertlib/detection", "alertlib/backtesting"), {"detection", "section"}),
    "policy": (("alertlib/detection",), {"policy"}),
    "trade": (("alertlib",), {"trade"}),
    "scoring": (("alertlib", "runners"), {"scoring"}),
    "gate": (("alertlib",), {"gate", "settings"}),
    "delivery.websocket": (("runners/live",), {"websocket", "settings"}),
    "delivery.websocket.retain": (("runners/live",), {"retain"}),
    "delivery.email": (("runners/live",), {"email", "settings"}),
    "delivery": (("runners/live",), {"delivery"}),
    "delivery.webhook": (("runners/live",), {"settings", "one"}),
    "delivery.telegram": (("runners/live",), {"telegram", "settings"}),
    "live": (("runners/live",), {"live"}),
    "audit": (("runners",), {"audit"}),
    "chosen": (("alertlib",), {"chosen"}),
}


def settings(section: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield section and name of every setting; a detector's parameters are its kernel's own."""
    for field in dataclasses.fields(section):
        value = getattr(section, field.name)
        if dataclasses.is_dataclass(value):
            yield from settings(value, f"{path}.{field.name}".lstrip("."))
        elif not hasattr(value, "_fields"):
            yield path, field.name


@cache
def reads(folder: str) -> frozenset[tuple[str, str]]:
    """Return ``(owner, name)`` of every attribute that the code of a folder reads."""
    found = set()
    for path in (ROOT / folder).rglob("*.py"):
        if path.is_relative_to(ROOT / "alertlib" / "config"):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
                owner = node.value
                name = getattr(owner, "attr", getattr(owner, "id", ""))
                found.add((str(name).lstrip("_"), node.attr))
    return frozenset(found)


WEBHOOK = settings(Webhook("desk", "https://desk.example/", "DESK_SECRET"), "delivery.webhook")


@pytest.mark.parametrize(("section", "name"), [*settings(Settings()), *WEBHOOK])
def test_each_setting_is_read_by_the_part_it_is_for(section: str, name: str) -> None:
    folders, owners = READERS[section]
    assert any((owner, name) in reads(folder) for folder in folders for owner in owners)


def test_a_setting_that_nothing_reads_would_be_noticed() -> None:
    assert ("audit", "no_such_setting") not in reads("runners")
    assert ("email", "enabled") not in reads("alertlib")


# ---- the audit's, which no part of the backtest uses

BARS = ("--feed", "replay", "--bars", str(SAMPLE), "--speed", "0.001")


def test_the_audit_path_is_where_the_daemon_writes_and_the_command_reads(tmp_path: Path) -> None:
    path = tmp_path / "audit" / "log.db"
    config = write_config(tmp_path, f"audit:\n  path: {path}\n")
    assert database_path(load_config(config)) == str(path)
    checked = run("live", "--check", "--config", config, *BARS, "--port", "0")
    # Of a replay beside it: replayed days do not belong among real ones.
    assert f"database: {path.with_name('replay.db')} will be created" in checked.stdout
    config = write_config(tmp_path, f"audit:\n  path: {path}\nlive:\n  database: other.db\n")
    with pytest.raises(
        ConfigError, match=r"audit\.path: got .*, expected live\.database's other\.db"
    ):
        database_path(load_config(config))
    assert run("live", "--config", config, *BARS).returncode == 2
    assert ask("head", "--config", config).status == 2


def test_a_legal_hold_binds_a_pruning_under_any_other_configuration(tmp_path: Path) -> None:
    held = write_config(tmp_path, "audit:\n  legal_hold: true\n")
    with Running(tmp_path, *BARS, "--config", held) as daemon:
        assert daemon.signal("SIGTERM") == 0
    database = str(daemon.database)
    assert events(daemon.database, "config")[-1]["data"]["legal_hold"] is True
    free = tmp_path / "free.yaml"
    free.write_text("audit:\n  retention_years: 5\n", encoding="utf-8")
    refused = ask("prune", "--db", database, "--config", str(free))
    assert refused.status == 2
    assert "under legal hold" in refused.err
    with Running(tmp_path, *BARS, "--config", str(free)) as daemon:
        assert daemon.signal("SIGTERM") == 0
    done = ask("prune", "--db", database, "--config", str(free), "--json")
    assert json.loads(done.out)["pruned"] == 0
    with sql(database) as connection:
        assert connection.execute("SELECT legal_hold FROM meta").fetchone() == (0,)
