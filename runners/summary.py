"""``python -m runners.summary``: one page for management, from the audit log and scorecards."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from runners._main import FAILED, OK, run

if TYPE_CHECKING:
    import argparse

ABOUT = """One page: the gate's verdicts, what the daemon delivered and how fast, and whether the
audit log is intact. Every figure is counted from the log. Exit 1 if the log fails verification."""


def main(argv: Sequence[str]) -> int:
    """Run the command."""
    args = _parse(argv)
    from runners._inputs import read_scorecard, write_text
    from runners._summary_page import page, text
    from runners.live.audit_log import open_log
    from runners.live.audit_verify import verify
    from runners.live.deliveries import count

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


def _parse(argv: Sequence[str]) -> argparse.Namespace:
    from runners._inputs import make_parser

    parser = make_parser("summary", ABOUT)
    parser.add_argument("--db", metavar="F", required=True, help="the daemon's database")
    parser.add_argument(
        "--scorecard", metavar="F", nargs="+", action="extend", default=[], help="JSON scorecards"
    )
    parser.add_argument("--html", metavar="F", help="write the page")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(run(main))
