"""The classic four detectors beside directional change, and both beside coin-flip bars.

``python -m benchmarks.detector_sets FILE... [--symbol 'WIN$N'] [--timeframe M5]``
prints a Markdown table of bars of your own, under the default configuration.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator

import alertlib as al
from alertlib.report.formats import count, percent

SETS = {
    "classic four": ("volatility", "engulfing", "rsi_divergence", "breakout"),
    "directional change": ("directional_change",),
}


def main() -> None:
    """Backtest each file with each set and print the rows."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.detector_sets", description=__doc__)
    parser.add_argument("files", nargs="+", metavar="FILE")
    parser.add_argument("--symbol", default="WIN$N")
    parser.add_argument("--timeframe")
    args = parser.parse_args()
    print("| sessions | detectors | capture | false positives | win rate | alerts | verdict |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for path in args.files:
        bars = al.read_bars(path, symbol=args.symbol, timeframe=args.timeframe)
        for name, detectors in SETS.items():
            config = al.load_config().set("detection.enabled", detectors)
            for row in rows(name, al.backtest(bars, config).scorecard):
                print("| " + " | ".join(row) + " |", flush=True)


def rows(name: str, card: al.Scorecard) -> Iterator[tuple[str, ...]]:
    """Return a set's own row, and that of the same detectors on coin-flip bars."""
    first, last = card.data["first_session"], card.data["last_session"]
    own = (percent(card.criterion(rate).value) for rate in RATES)
    span = f"{card.data['sessions']}, {first} to {last}"
    yield span, name, *own, count(card.counts["alerts"]), card.verdict
    if card.coin_flip is not None:
        coins = (percent(card.coin_flip[rate]) for rate in RATES)
        yield "", "the same on coin-flip bars", *coins, count(card.coin_flip["alerts"]), ""


RATES = ("capture_rate", "false_positive_share", "win_rate")

if __name__ == "__main__":
    main()
