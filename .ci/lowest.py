"""Print the lowest version of every dependency that pyproject.toml allows, as constraints.

python .ci/lowest.py dev > lowest.txt && pip install -c lowest.txt -e '.[dev]'

Arguments are extras; without any, all of them. What is bound to another platform is left to pip.
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path

PROJECT = Path(__file__).parents[1] / "pyproject.toml"


def lowest(wanted: Iterable[str]) -> Iterator[str]:
    """Yield a constraint for each dependency, of the core and of the extras ``wanted``."""
    project = tomllib.loads(PROJECT.read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    wanted = list(wanted) or list(extras)
    if unknown := set(wanted) - set(extras):
        sys.exit(
            f"extra {min(unknown)}: not in {PROJECT.name}, expected one of {', '.join(extras)}"
        )
    entries = [*project["dependencies"], *(entry for extra in wanted for entry in extras[extra])]
    for entry in dict.fromkeys(entries):
        own = re.fullmatch(rf"{project['name']}\[(.+)\]", entry)
        if own:
            yield from lowest(own[1].split(","))
        else:
            requirement, _, marker = entry.partition(";")
            # A constraint names no extras.
            name = re.sub(r"\[.*?\]", "", requirement.strip())
            floor = re.sub(r">=([^,]+)(,.*)?", r"==\1", name)
            yield f"{floor} ; {marker.strip()}" if marker else floor


if __name__ == "__main__":
    print("\n".join(sorted(set(lowest(sys.argv[1:])))))
