"""The scorecard in a terminal."""
