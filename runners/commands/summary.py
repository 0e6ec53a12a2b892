"""What ``runners.summary`` does: one page for management."""

from __future__ import annotations

import argparse

from runners._main import FAILED, OK
from runners.cli.outputs import write_text
from runners.cli.scorecards import read_scorecard
from runners.commands.summary_page import page, text
from runners.live.audit_log.deliveries import count
from runners.live.audit_log.log import open_log
from runners.live.audit_log.verify import verify


def command(args: argparse.Namespace) -> int:
    """Count, verify, print, and return the exit status."""
    cards = [(path, read_scorecard(path)) for path in args.scorecard]
    with open_log(args.db) as log:
        report = verify(log)
        figures = count(log.records())
    facts = text(cards, figures, report, args.db)
    for title, rows in facts.items():
        print(title)
        for name, value in rows:
            print(f"  {name:<36}{value}")
    if args.html:
        write_text(args.html, page(facts))
    return OK if report.intact else FAILED
