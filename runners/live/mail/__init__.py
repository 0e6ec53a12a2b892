"""Alerts and notices by e-mail."""
