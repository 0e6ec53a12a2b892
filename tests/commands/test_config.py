"""``runners.config``: the settings file to begin with, and whether one's own is read."""

from __future__ import annotations

from pathlib import Path

import pytest

from alertlib.config import Config, load_config
from tests.support.commands import command, one_line


def test_what_is_printed_is_a_settings_file_at_its_defaults(tmp_path: Path) -> None:
    done = command("runners.config", cwd=tmp_path)
    file = tmp_path / "alertas.yaml"
    file.write_text(done.stdout, encoding="utf-8")
    assert done.returncode == 0
    assert load_config(file) == Config()
    assert "# " in done.stdout


def test_a_valid_file_is_said_to_be_with_what_differs(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("detection:\n  volatility:\n    window: 30\n", encoding="utf-8")
    done = command("runners.config", "--validate", str(file))
    assert done.returncode == 0
    assert f"{file}: valid. Detectors: volatility, " in done.stdout
    assert "  detection.volatility.window: 30\n" in done.stdout


def test_a_valid_file_is_told_without_the_secrets_in_its_addresses(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(
        "live: {heartbeat_url: 'https://beat.example/hunter2'}\n"
        "delivery:\n  webhook:\n"
        "  - {name: desk, url: 'https://h.example/hunter2', secret_env: DESK}\n",
        encoding="utf-8",
    )
    done = command("runners.config", "--validate", str(file))
    assert done.returncode == 0
    assert 'live.heartbeat_url: "https://beat.example/…"' in done.stdout
    assert '"url": "https://h.example/…"' in done.stdout
    assert "hunter2" not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("delivery", "key"),
    [
        ("webhook: [{HOOK}, {HOOK}]", "delivery.webhook[1].name"),
        ("telegram: {enabled: true}", "delivery.telegram.chat_ids"),
        ("telegram: {enabled: true, chat_ids: [7, 7]}", "delivery.telegram.chat_ids[1]"),
        ("email: {enabled: true}", "delivery.email.recipients"),
    ],
)
def test_what_no_daemon_could_start_with_is_not_valid(
    tmp_path: Path, delivery: str, key: str
) -> None:
    file = tmp_path / "mine.yaml"
    hook = "name: desk, url: 'https://desk.example/', secret_env: DESK_SECRET"
    file.write_text(f"delivery: {{{delivery.replace('HOOK', hook)}}}\n", encoding="utf-8")
    one_line(command("runners.config", "--validate", str(file)), 2, f"{file}:1: {key}: got ")


def test_a_file_that_is_refused_is_told_by_its_line(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("detection:\n  volatility:\n    windw: 30\n", encoding="utf-8")
    one_line(command("runners.config", "--validate", str(file)), 2, f"{file}:3:", "window")
    file.write_text("detection:\n  enabled: [gone.module:name]\n", encoding="utf-8")
    one_line(command("runners.config", "--validate", str(file)), 2, "gone")
    one_line(command("runners.config", "--validate", str(tmp_path / "no.yaml")), 2, "no.yaml")
