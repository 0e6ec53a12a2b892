"""Many parameter sets on the backtest's own stages, and whether the best of them means anything."""
