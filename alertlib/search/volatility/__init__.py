"""The grid of the volatility detector in one pass over the bars."""
