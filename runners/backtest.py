"""``python -m runners.backtest``: bars -> alerts -> trades -> scorecard, and the gate."""

from __future__ import annotations

import gc
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from runners._main import FAILED, NO_DATA, OK, run

if TYPE_CHECKING:
    import argparse

    from alertlib.backtesting.run import Run
    from alertlib.config import Config

ABOUT = """Backtest the alert detectors and score them. With --gate the exit status is the
verdict: 0 PASS, 1 FAIL, 3 insufficient data. With nothing configured the bundled synthetic sample
is used."""


def main(argv: Sequence[str]) -> int:
    """Run the command."""
    args = _parse(argv)
    # Nothing here lives long enough to be worth a search for cycles: 5 % of a cold gate.
    gc.set_threshold(1_000_000)
    if args.compare:
        return _compare(args)
    from alertlib.backtesting.backtester import backtest
    from runners._inputs import find_bars
    from runners._progress import Progress
    from runners._provenance import generated_at, git_revision

    config = _configure(args)
    bars = find_bars(config, args.bars, args.symbol, args.timeframe)
    with Progress() as progress:
        result = backtest(
            bars,
            config,
            full=args.full,
            progress=progress,
            generated_at=generated_at(),
            git_rev=git_revision(),
        )
    _write_files(args, result)
    _print(args, result)
    if not args.gate:
        return OK
    return {"PASS": OK, "FAIL": FAILED, "INSUFFICIENT": NO_DATA}[result.scorecard.verdict]


def _parse(argv: Sequence[str]) -> argparse.Namespace:
    from runners._inputs import add_bar_options, check_alert_path, make_parser

    parser = make_parser("backtest", ABOUT)
    parser.add_argument("--gate", action="store_true", help="exit by the verdict")
    add_bar_options(parser)
    parser.add_argument("--sessions", metavar="N", help="score the last N sessions (60)")
    parser.add_argument("--labels", metavar="F", help="manual moves instead of derived ones")
    parser.add_argument(
        "--detector", metavar="NAME", action="append", help="only this one; package.module:name"
    )
    parser.add_argument(
        "--set", metavar="KEY=VALUE", action="append", default=[], help="override a setting"
    )
    parser.add_argument("--seed", metavar="N", help="seed of every random number")
    parser.add_argument("--full", action="store_true", help="all audits and mirror surrogates")
    parser.add_argument("--json", metavar="F", help="write the scorecard; - for stdout")
    parser.add_argument("--junit", metavar="F", help="write JUnit XML, one case per criterion")
    parser.add_argument("--html", metavar="F", help="write a self-contained page")
    parser.add_argument(
        "--alerts", metavar="F", type=check_alert_path, help="write every alert (.parquet or .csv)"
    )
    parser.add_argument("--annotations", choices=("auto", "github", "none"), default="auto")
    parser.add_argument(
        "--compare", nargs=2, metavar=("A.json", "B.json"), help="only compare two scorecards"
    )
    return parser.parse_args(argv)


def _configure(args: argparse.Namespace) -> Config:
    from runners._inputs import read_config

    settings = list(args.set)
    if args.sessions is not None:
        settings.append(f"scoring.sessions={args.sessions}")
    if args.seed is not None:
        settings.append(f"scoring.seed={args.seed}")
    config = read_config(args.config, settings)
    changes: dict[str, object] = {}
    if args.detector:
        changes["detection.enabled"] = tuple(args.detector)
    if args.labels is not None:
        changes |= {"scoring.labels": "file", "scoring.labels_file": args.labels}
    return config.update(changes) if changes else config


def _write_files(args: argparse.Namespace, result: Run) -> None:
    from runners._inputs import write_alert_table, write_text

    if args.json and args.json != "-":
        write_text(args.json, result.scorecard.to_json())
    if args.junit:
        from alertlib.report.ci.junit import junit_xml

        write_text(args.junit, junit_xml(result.scorecard.to_dict()))
    if args.html:
        from alertlib.report.page.page import scorecard_page

        write_text(args.html, scorecard_page(result.scorecard.to_dict()))
    if args.alerts:
        write_alert_table(args.alerts, result.alerts)


def _print(args: argparse.Namespace, result: Run) -> None:
    import os

    from rich.console import Console

    from alertlib.report.ci.annotations import annotations
    from alertlib.report.terminal.terminal import print_scorecard

    card = result.scorecard.to_dict()
    for_machines = args.json == "-"
    print_scorecard(card, Console(stderr=for_machines))
    for line in annotations(card, args.annotations, os.environ):
        print(line, file=sys.stderr if for_machines else sys.stdout)
    if for_machines:
        sys.stdout.write(result.scorecard.to_json())


def _compare(args: argparse.Namespace) -> int:
    from rich.console import Console

    from alertlib.report.terminal.terminal import print_difference
    from alertlib.scorecard.difference import compare_scorecards
    from runners._inputs import read_scorecard

    before, after = (read_scorecard(path) for path in args.compare)
    print_difference(compare_scorecards(before, after), Console())
    return OK


if __name__ == "__main__":
    sys.exit(run(main))
