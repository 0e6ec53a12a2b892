"""Alerts by a Telegram bot."""
