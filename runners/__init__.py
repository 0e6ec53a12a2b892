"""Commands: ``python -m runners.NAME``. Nothing is decided here; see ``alertlib``."""
