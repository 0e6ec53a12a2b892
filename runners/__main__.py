"""``python -m runners`` and ``alertas``: the list of commands, and the way to each.

A command runs as ``python -m runners.NAME`` would run it, under the same guard: help, errors and
exit statuses are the same to the letter.
"""

from __future__ import annotations

import os
import runpy
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from runners._main import OK, USAGE, complain, run

_HERE = Path(__file__).parent
_HELP = """usage: alertas COMMAND [OPTION]...
       alertas COMMAND --help

{commands}

`alertas COMMAND` is `python -m runners.COMMAND`."""


def main() -> int:
    """Run the command that the first argument names; list them without one."""
    name = sys.argv[1] if len(sys.argv) > 1 else ""
    if name not in commands():
        return run(_without_command)
    del sys.argv[1]
    if not sys.flags.safe_path:
        # As `python -m` does: a detector of one's own is imported from the current folder.
        with suppress(OSError):  # of a folder that is gone
            sys.path[0] = os.getcwd()
    runpy.run_module(f"runners.{name}", run_name="__main__", alter_sys=True)
    return OK  # what runs a command exits with its status


def commands() -> dict[str, Path]:
    """Return the modules that are commands, by name: the public ones, and folders that run."""
    found = {}
    for path in sorted(_HERE.iterdir()):
        if path.suffix == ".py" and not path.stem.startswith("_"):
            found[path.stem] = path
        elif (path / "__main__.py").is_file():
            found[path.name] = path / "__main__.py"
    return found


def about(path: Path) -> str:
    """Return what a command does: what follows its name in its module's first line."""
    with path.open(encoding="utf-8") as file:
        return file.readline().strip('"\n').partition("``: ")[2]


def _without_command(arguments: Sequence[str]) -> int:
    first = next(iter(arguments), "--help")
    if first in ("-h", "--help"):
        lines = [f"  {name:<12} {about(path)}" for name, path in commands().items()]
        print(_HELP.format(commands="\n".join(lines)))
        return OK
    from alertlib._version import __version__

    if first == "--version":
        print(f"alertlib {__version__}")
        return OK
    from alertlib.config.problem import nearest

    guess = nearest(first, commands())
    expected = f"a command, perhaps {guess}" if guess else f"one of {', '.join(commands())}"
    complain(f"error: command: got {first!r}, expected {expected}; see python -m runners --help")
    return USAGE


if __name__ == "__main__":
    sys.exit(main())
