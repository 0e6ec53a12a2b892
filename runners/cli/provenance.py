"""When and from which revision a result was made: what the library may not ask for itself."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

from alertlib.errors import ConfigError


def generated_at() -> str:
    """Return the time in UTC; ``SOURCE_DATE_EPOCH`` stands in for the clock."""
    fixed = os.environ.get("SOURCE_DATE_EPOCH")
    if fixed is None:
        return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    try:
        return datetime.fromtimestamp(int(fixed), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, OverflowError, OSError) as error:
        raise ConfigError(
            f"SOURCE_DATE_EPOCH={fixed}: expected whole seconds since 1970; unset or correct it"
        ) from error


def git_revision() -> str | None:
    """Return the commit the code was checked out at; None outside a repository."""
    root = Path(__file__).parents[2]
    git = root / ".git"
    try:
        if git.is_file():  # a worktree or submodule
            git = (root / git.read_text(encoding="utf-8").removeprefix("gitdir:").strip()).resolve()
        head = (git / "HEAD").read_text(encoding="utf-8").strip()
        if not head.startswith("ref:"):
            return head
        name = head.removeprefix("ref:").strip()
        common = git / "commondir"
        if common.is_file():
            git = (git / common.read_text(encoding="utf-8").strip()).resolve()
        loose = git / name
        if loose.is_file():
            return loose.read_text(encoding="utf-8").strip()
        for line in (git / "packed-refs").read_text(encoding="utf-8").splitlines():
            if line.endswith(f" {name}"):
                return line.split(" ", 1)[0]
    except OSError:
        return None
    return None
