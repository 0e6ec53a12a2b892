"""``runners.licences``: what installed packages declare, and nothing that they do not."""

from __future__ import annotations

import json
import os
from importlib.metadata import Distribution, distributions, requires, version
from pathlib import Path

import pytest

from alertlib.errors import ConfigError
from runners.commands.licences import Licence, licence, packages
from tests.support.commands import ROOT, command


def installed(folder: Path, name: str, *lines: str) -> Distribution:
    """Put the metadata of a package into a folder, as pip would."""
    home = folder / f"{name.replace('-', '_')}-1.0.dist-info"
    home.mkdir()
    text = "\n".join(("Metadata-Version: 2.4", f"Name: {name}", "Version: 1.0", *lines, "", ""))
    (home / "METADATA").write_text(text, encoding="utf-8")
    return Distribution.at(home)


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["License-Expression: MIT OR Apache-2.0", "License: nonsense"],
         Licence("MIT OR Apache-2.0", "expression")),
        (["License: BSD"], Licence("BSD", "field")),
        (["License: UNKNOWN"], Licence("UNKNOWN", None)),
        (["License: Copyright (c) 2025", " Permission is hereby granted",
          "Classifier: License :: OSI Approved :: MIT License"],
         Licence("MIT License", "classifier")),
        (["License: " + 30 * "long ", "Classifier: License :: OSI Approved :: ISC License",
          "Classifier: License :: OSI Approved :: zlib/libpng License"],
         Licence("ISC License, zlib/libpng License", "classifier")),
        (["License-File: LICENSE", "Classifier: Typing :: Typed"], Licence("UNKNOWN", None)),
    ],
)  # fmt: skip
def test_a_licence_is_what_is_declared(tmp_path: Path, lines: list[str], expected: Licence) -> None:
    assert licence(installed(tmp_path, "one", *lines)) == expected


def test_what_is_needed_is_followed_through_names_extras_and_circles(tmp_path: Path) -> None:
    installed(
        tmp_path, "alertlib-b3", "Provides-Extra: live", "Provides-Extra: dev",
        "Requires-Dist: Some_Core>=1,<2", "Requires-Dist: not-here; sys_platform == 'win32'",
        "Requires-Dist: server[fast]>=2; extra == 'live'",
        'Requires-Dist: alertlib-b3[live]; extra == "dev"',
    )  # fmt: skip
    installed(tmp_path, "some.core", "Requires-Dist: alertlib-b3 (>=0)")
    installed(
        tmp_path, "server", "Provides-Extra: fast", "Requires-Dist: wheels; extra == 'fast'",
        "Requires-Dist: brakes; extra == 'slow'",
    )  # fmt: skip
    for name in ("wheels", "brakes", "neighbour"):
        installed(tmp_path, name)

    found = {p.name: p.needed_by for p in packages(distributions(path=[str(tmp_path)]))}

    assert found == {
        "alertlib-b3": ("core",), "some.core": ("core",),
        "server": ("live", "dev"), "wheels": ("live", "dev"),
    }  # fmt: skip


def test_where_it_is_not_installed_that_is_said(tmp_path: Path) -> None:
    installed(tmp_path, "alertlib")  # a stranger's
    with pytest.raises(ConfigError, match=r"alertlib-b3: is not installed here.*pip install -e \."):
        packages(distributions(path=[str(tmp_path)]))


def test_the_command_lists_what_is_really_installed(tmp_path: Path) -> None:
    installed(tmp_path, "alertlib-b3", "License-Expression: MIT", "Requires-Dist: rich>=14")
    path = os.pathsep.join([str(tmp_path), str(ROOT)])
    done = command("runners.licences", "--json", "-", PYTHONPATH=path)
    table = command("runners.licences", PYTHONPATH=path)

    written = json.loads(done.stdout)
    rows = {row["name"]: row for row in written["packages"]}
    assert (done.returncode, written["schema"]) == (0, "licences.v1")
    assert rows["alertlib-b3"]["licence"] == "MIT"
    assert rows["rich"]["version"] == version("rich")
    assert len(rows) >= 1 + len([line for line in requires("rich") or [] if "extra" not in line])
    assert [line.split()[0] for line in table.stdout.splitlines()] == list(rows)
