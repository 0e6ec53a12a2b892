"""Write the bundled sample beside this file: `python data/sample/generate.py`.

The bars are made up (see ``alertlib/bars/sample.py``); the file says so in its own metadata.
"""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl

from alertlib.bars.opening import from_frame
from alertlib.bars.sample import SEED, SYMBOL, TIMEFRAME, Row, make_sample

HERE = Path(__file__).parent


def main() -> None:
    """Make the sample and write its bars and its truth."""
    sample = make_sample()
    frame = pl.DataFrame(sample.rows, schema=list(Row._fields), orient="row")
    bars = from_frame(frame, symbol=SYMBOL, timeframe=TIMEFRAME, synthetic=True)
    named = bars.frame.select(pl.lit(SYMBOL).alias("symbol"), pl.all())
    named.write_parquet(
        HERE / "win_m5.parquet", compression="zstd", metadata={"alertlib.synthetic": "true"}
    )
    truth = {
        "synthetic": True,
        "symbol": SYMBOL,
        "timeframe": TIMEFRAME,
        "seed": SEED,
        "sha256": bars.sha256,
        "bars": len(bars),
        "planted_moves": [
            {
                "start": move.start.isoformat(),
                "end": move.end.isoformat(),
                "direction": move.direction,
                "kind": move.kind,
                "strength": move.strength,
            }
            for move in sample.moves
        ],
    }
    text = json.dumps(truth, indent=1) + "\n"
    (HERE / "truth.json").write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
