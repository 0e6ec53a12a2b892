"""What ``runners.walkforward`` does: a choice on past sessions, judged on the next ones."""

from __future__ import annotations

import argparse

from alertlib.search.walk.walkforward import walk_forward
from alertlib.search.walk.words import walk_account
from runners._main import FAILED, OK
from runners.cli.inputs import scored_bars
from runners.cli.progress import Progress
from runners.cli.settings import configure
from runners.commands.searching import grid_of, search_arguments, write_results


def command(args: argparse.Namespace) -> int:
    """Walk forward, write what was asked for, and return the exit status."""
    grid = grid_of(args)
    config = configure(args)
    bars = scored_bars(config, args)
    with Progress() as progress:
        found = walk_forward(
            bars, config, grid, train=args.train, test=args.test, held_out=args.hold_out,
            progress=progress, **search_arguments(args),
        )  # fmt: skip
    values = found.to_dict()
    account = walk_account(values, found.sweep.grid.keys)
    chosen = (found.settings, found.chosen_on, found.sweep.trials)
    write_results(args, account, values, chosen)
    return OK if found.proven or not args.gate else FAILED
