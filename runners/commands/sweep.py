"""What ``runners.sweep`` does: a grid, every combination scored, the best and luck beside it."""

from __future__ import annotations

import argparse

from alertlib.errors import ConfigError
from alertlib.search.result import Sweep
from alertlib.search.sweeps import sweep
from runners._main import OK
from runners.cli.inputs import scored_bars
from runners.cli.progress import Progress
from runners.cli.settings import configure
from runners.commands.searching import grid_of, search_arguments, write_results


def command(args: argparse.Namespace) -> int:
    """Sweep, write what was asked for, and return the exit status."""
    if args.top < 1:
        raise ConfigError(f"--top: got {args.top}, expected 1 or more")
    grid = grid_of(args)
    config = configure(args)
    bars = scored_bars(config, args)
    with Progress() as progress:
        found = sweep(bars, config, grid, progress=progress, **search_arguments(args))
        luck = found.chance(progress=progress)
    selection = found.selection() if found.cube.per_session else None
    account = found.account(args.top, luck, selection)
    write_results(args, account, found.to_dict(luck), _chosen(found))
    return OK


def _chosen(found: Sweep) -> tuple[object, tuple[str, ...], int]:
    best = found.row_of(found.best(1))
    return found.settings(best), found.cube.sessions, found.trials
