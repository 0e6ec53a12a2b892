"""``python -m runners.audit``: verify the audit log, anchor, export, look into, prune it."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from runners._main import run


def main(argv: Sequence[str]) -> int:
    """Run the command; see ``--help``."""
    from runners.commands.audit import command  # behind the guard

    return command(argv)


if __name__ == "__main__":
    sys.exit(run(main))
