"""What ``runners.backtest`` does: bars -> alerts -> trades -> scorecard, and the gate."""

from __future__ import annotations

import argparse
import gc
import os
import sys

from rich.console import Console

from alertlib.backtesting.backtester import backtest
from alertlib.backtesting.run import Run
from alertlib.report.ci.annotations import annotation_lines
from alertlib.report.ci.junit import junit_xml
from alertlib.report.ci.step_summary import step_summary
from alertlib.report.page.explore import explore_page
from alertlib.report.page.page import scorecard_page
from alertlib.report.page.run_parts import run_parts
from alertlib.report.terminal.terminal import print_difference, print_scorecard
from alertlib.scorecard.difference import compare_scorecards
from runners._extras import require_extra
from runners._main import FAILED, NO_DATA, OK
from runners.cli.inputs import scored_bars
from runners.cli.outputs import write_alert_table, write_text
from runners.cli.progress import Progress
from runners.cli.provenance import generated_at, git_revision
from runners.cli.scorecards import read_scorecard
from runners.cli.settings import configure


def command(args: argparse.Namespace) -> int:
    """Backtest, write what was asked for, and return the exit status."""
    # Nothing here lives long enough to be worth a search for cycles: 5 % of a cold gate.
    gc.set_threshold(1_000_000)
    if args.compare:
        return _compare(args)
    if args.explore:
        require_extra("notebook")
    config = configure(args, *([] if args.seed is None else [f"scoring.seed={args.seed}"]))
    bars = scored_bars(config, args)
    with Progress() as progress:
        result = backtest(
            bars,
            config,
            full=args.full,
            between=args.between,
            progress=progress,
            generated_at=generated_at(),
            git_rev=git_revision(),
        )
    _write_files(args, result)
    _print(args, result)
    if not args.gate:
        return OK
    return {"PASS": OK, "INSUFFICIENT": NO_DATA}.get(result.scorecard.verdict, FAILED)


def _write_files(args: argparse.Namespace, result: Run) -> None:
    if args.json and args.json != "-":
        write_text(args.json, result.scorecard.to_json())
    if args.junit:
        write_text(args.junit, junit_xml(result.scorecard.to_dict()))
    if args.html:
        write_text(args.html, scorecard_page(result.scorecard.to_dict(), run_parts(result)))
    if args.explore:
        write_text(args.explore, explore_page(result))
    for model in result.models() if args.models else ():
        path = model.write(args.models)
        print(f"{path}: {model.detector}, learned {model.first} to {model.last}", file=sys.stderr)
    if args.alerts:
        write_alert_table(args.alerts, result.alerts)


def _print(args: argparse.Namespace, result: Run) -> None:
    card = result.scorecard.to_dict()
    for_machines = args.json == "-"
    print_scorecard(card, Console(stderr=for_machines))
    for line in annotation_lines(card, args.annotations, os.environ):
        print(line, file=sys.stderr if for_machines else sys.stdout)
    if args.annotations != "none" and (path := os.environ.get("GITHUB_STEP_SUMMARY")):
        _append_summary(path, step_summary(card))
    if for_machines:
        sys.stdout.write(result.scorecard.to_json())


def _append_summary(path: str, text: str) -> None:
    """Append to the page of a workflow's run; a page that cannot be written changes no verdict."""
    try:
        with open(path, "a", encoding="utf-8", newline="\n") as page:
            page.write(text)
    except OSError as error:
        print(
            f"warning: GITHUB_STEP_SUMMARY={path}: cannot be written "
            f"({error.strerror or error}); expected a file to append to; the verdict stands",
            file=sys.stderr,
        )


def _compare(args: argparse.Namespace) -> int:
    before, after = (read_scorecard(path) for path in args.compare)
    print_difference(compare_scorecards(before, after), Console())
    return OK
