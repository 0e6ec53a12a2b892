"""From columns to counts: signals, alerts, moves, matches and trades."""
