"""The daemon measured from outside, as its users meet it: ``python -m benchmarks.live``."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import alertlib as al
from runners.trial.mail_sink import mail_sink
from runners.trial.measure import measure, start_time
from runners.trial.settings import CONFIG, EVERY_BAR, MAIL


def main(argv: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bars", type=Path, default=al.sample_path(), help="M5 bars to replay")
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--clients", type=int, default=100)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args(argv)
    every = CONFIG + EVERY_BAR
    with mail_sink() as port:
        mails = MAIL.replace("PORT", str(port)) + EVERY_BAR
        with_mail = measure(args.bars, mails, 5 * 300, args.clients, args.seconds, 1.0)
    found = {
        "mail_5_per_second": with_mail,
        "latency_20_per_second": measure(
            args.bars, every, 20 * 300, args.clients, args.seconds, 1.0
        ),
        "throughput_10_clients": measure(args.bars, every, 600 * 300, 10, args.seconds, 0.0),
        "start": start_time(50_000, args.bars),
    }
    print(json.dumps(found, indent=2))
    if args.json:
        args.json.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
