"""What ``runners.summary`` does: read, decide, say."""

from __future__ import annotations

import argparse
import sys

from rich.console import Console

from runners._main import FAILED, OK
from runners.cli.outputs import write_text
from runners.cli.provenance import generated_at
from runners.cli.scorecards import read_scorecard
from runners.commands.pages import render
from runners.commands.summary.account import make_account, to_json
from runners.commands.summary.inputs import read_benchmark, read_log, read_previous
from runners.commands.summary.quality import NamedCard
from runners.commands.summary.terminal import print_view
from runners.commands.summary.view import make_view


def command(args: argparse.Namespace) -> int:
    """Make the summary, show it, and return the exit status."""
    cards = [NamedCard(path, read_scorecard(path)) for path in args.scorecard]
    benchmark = read_benchmark(args.benchmark) if args.benchmark else None
    previous = read_previous(args.previous) if args.previous else None
    log = read_log(args.db, previous.anchor if previous else None)
    account = make_account(generated_at(), args.db, cards, log, benchmark, previous)
    view = make_view(account, args.language)
    console = Console(stderr=args.json == "-", highlight=False)
    print_view(view, console, with_details=args.details)
    if args.html:
        write_text(args.html, render("summary.html", view=view))
    if args.json == "-":
        sys.stdout.write(to_json(account))
    elif args.json:
        write_text(args.json, to_json(account))
    return OK if account.audited.report.intact else FAILED
