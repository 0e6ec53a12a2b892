"""Alerts as signed JSON to other programs."""
