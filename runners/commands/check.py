"""What ``runners.check`` does: do the detectors tell the truth?"""

from __future__ import annotations

import argparse
import json
import sys

from rich.console import Console

from alertlib.audits.checking import check
from alertlib.config import load_config
from alertlib.report.terminal.terminal import print_audits
from runners._main import FAILED, OK
from runners.cli.inputs import find_bars
from runners.cli.outputs import write_text
from runners.cli.progress import Progress
from runners.cli.settings import refuse_idle


def command(args: argparse.Namespace) -> int:
    """Audit each detector and return the exit status."""
    config = load_config(args.config, args.set)
    if args.detector:
        config = config.update({"detection.enabled": tuple(dict.fromkeys(args.detector))})
    refuse_idle(args.set, config)
    bars = find_bars(config, args.bars, args.symbol, args.timeframe)
    for found in bars.quality.of_kind("assumed_symbol"):
        print(f"warning: {found.message}", file=sys.stderr)
    reports = []
    with Progress() as progress:
        for name in config.detection.enabled:
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
