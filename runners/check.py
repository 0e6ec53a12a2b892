"""``python -m runners.check``: do the detectors tell the truth?"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from runners._main import FAILED, OK, run

ABOUT = """Audit detectors: streaming parity, prefix invariance, poisoned future, warm-up, unchanged
inputs. Exit 1 if an audit is not clean."""


def main(argv: Sequence[str]) -> int:
    """Run the command."""
    from runners._inputs import add_bar_options, find_bars, make_parser, read_config, write_text
    from runners._progress import Progress

    parser = make_parser("check", ABOUT)
    add_bar_options(parser)
    parser.add_argument(
        "--detector",
        metavar="NAME",
        action="append",
        help="a detector's name, or package.module:name; all enabled ones when left out",
    )
    parser.add_argument("--set", metavar="KEY=VALUE", action="append", default=[])
    parser.add_argument("--json", metavar="F", help="write the reports; - for stdout")
    args = parser.parse_args(argv)

    import json

    from rich.console import Console

    from alertlib.audits.checking import check
    from alertlib.report.terminal.terminal import print_audits

    config = read_config(args.config, args.set)
    bars = find_bars(config, args.bars, args.symbol, args.timeframe)
    reports = []
    with Progress() as progress:
        for name in args.detector or config.detection.enabled:
            reports.append(check(name, bars, config, progress=progress))
    console = Console(stderr=args.json == "-")
    for report in reports:
        print_audits(report, console)
    if args.json:
        text = json.dumps([report.to_dict() for report in reports], indent=2) + "\n"
        if args.json == "-":
            sys.stdout.write(text)
        else:
            write_text(args.json, text)
    return OK if all(report.clean for report in reports) else FAILED


if __name__ == "__main__":
    sys.exit(run(main))
