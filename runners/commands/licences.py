"""What ``runners.licences`` does: read what installed packages declare about themselves."""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterable, Iterator
from importlib.metadata import Distribution, distributions
from typing import NamedTuple

from alertlib.errors import ConfigError
from runners._main import OK
from runners.cli.outputs import write_text

OURS = "alertlib-b3"
CORE = "core"
UNKNOWN = "UNKNOWN"

# A `License` field longer than this, or of several lines, is the licence's text and not its name.
_LONGEST_NAME = 80
_REQUIREMENT = re.compile(r"([A-Za-z0-9][\w.-]*)\s*(?:\[([^]]*)\])?")
_EXTRA = re.compile(r"""extra\s*==\s*["']([^"']+)["']""")


class Licence(NamedTuple):
    """What a package declares; ``declared`` says where: expression, field, classifier or None."""

    text: str
    declared: str | None


class Package(NamedTuple):
    """An installed package, and which parts of ours need it: ``core``, or extras by name."""

    name: str
    version: str
    licence: Licence
    needed_by: tuple[str, ...]


def command(args: argparse.Namespace) -> int:
    """Print the list, and return the exit status."""
    found = packages(distributions())
    if args.json != "-":
        print("\n".join(_table(found)))
    if args.json is not None:
        text = _as_json(found)
        if args.json == "-":
            print(text, end="")
        else:
            write_text(args.json, text)
    unknown = sum(package.licence.declared is None for package in found)
    print(f"{len(found)} packages, {unknown} of unknown licence", file=sys.stderr)
    return OK


def packages(installed: Iterable[Distribution]) -> list[Package]:
    """Return ours and what it needs, directly or not, of what is installed, by name.

    Parameters
    ----------
    installed : iterable of Distribution
        Of several of one name the first counts, as for an import.

    Raises
    ------
    ConfigError
        If ours is not among them.
    """
    known: dict[str, Distribution] = {}
    for distribution in installed:
        if name := distribution.metadata["Name"]:
            known.setdefault(_normal(name), distribution)
    if OURS not in known:
        raise ConfigError(
            f"{OURS}: is not installed here, expected its metadata; run pip install -e . in the "
            "folder of its source"
        )
    extras = known[OURS].metadata.get_all("Provides-Extra") or []
    needed = {CORE: _reached(known, "")} | {extra: _reached(known, extra) for extra in extras}
    return [
        Package(
            known[name].metadata["Name"],
            known[name].version,
            licence(known[name]),
            (CORE,) if name in needed[CORE] else tuple(e for e in extras if name in needed[e]),
        )
        for name in sorted(set().union(*needed.values()))
    ]


def licence(distribution: Distribution) -> Licence:
    """Return the licence a package declares: the expression, else its name in older fields."""
    metadata = distribution.metadata
    (expression, *_) = metadata.get_all("License-Expression") or [""]
    if expression:
        return Licence(expression, "expression")
    field = "\n".join(metadata.get_all("License") or []).strip()
    if field and field.upper() != UNKNOWN and "\n" not in field and len(field) <= _LONGEST_NAME:
        return Licence(field, "field")
    stated = [
        classifier.rpartition(" :: ")[2]
        for classifier in metadata.get_all("Classifier") or []
        if classifier.startswith("License :: ")
    ]
    return Licence(", ".join(stated), "classifier") if stated else Licence(UNKNOWN, None)


def _reached(known: dict[str, Distribution], extra: str) -> set[str]:
    """Return the installed packages that our core, or one extra of ours, leads to.

    Markers other than extras are not asked: what does not fit this machine is not installed.
    """
    seen: set[tuple[str, str]] = set()
    ahead = [(OURS, extra)]
    while ahead:
        here = ahead.pop()
        if here in seen or here[0] not in known:
            continue
        seen.add(here)
        for name, asked in _requirements(known[here[0]], here[1]):
            ahead += [(name, part) for part in ("", *asked)]
    return {name for name, _ in seen}


def _requirements(distribution: Distribution, extra: str) -> Iterator[tuple[str, list[str]]]:
    """Yield name and extras of what a package needs for ``extra`` alone; "" is its core."""
    for line in distribution.requires or []:
        requirement, _, marker = line.partition(";")
        bound = _EXTRA.findall(marker)
        if (extra in bound) if extra else not bound:
            match = _REQUIREMENT.match(requirement.strip())
            if match is not None:
                asked = [part.strip() for part in (match[2] or "").split(",") if part.strip()]
                yield _normal(match[1]), asked


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _table(found: list[Package]) -> Iterator[str]:
    rows = [
        (package.name, package.version, package.licence.text, " ".join(package.needed_by))
        for package in found
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(
            f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)
        ).rstrip()


def _as_json(found: list[Package]) -> str:
    rows = [
        {
            "name": package.name,
            "version": package.version,
            "licence": None if package.licence.declared is None else package.licence.text,
            "declared": package.licence.declared,
            "needed_by": package.needed_by,
        }
        for package in found
    ]
    return json.dumps({"schema": "licences.v1", "packages": rows}, indent=2) + "\n"
