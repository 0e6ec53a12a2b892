"""Choose on past sessions, judge on the next."""
