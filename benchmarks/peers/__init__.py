"""alertlib beside its peers: TA-Lib, polars-talib, vectorbt, vectorbt-rust and backtesting.py.

    python3 -m venv .venv-peers && .venv-peers/bin/pip install -e . TA-Lib polars-talib \
        vectorbt vectorbt-rust backtesting
    .venv-peers/bin/python -m benchmarks.peers    # measures; writes the figures and docs/speed.md
    python -m benchmarks.peers --table            # docs/speed.md from the figures; needs no peer

Without a file the bars are a seeded random walk. Contestants of one contest take turns in one
process, the garbage collector off; a figure is the median of the rounds. Before anything is timed
its answer is compared with ours, and what differs is written down beside the time.
"""
