"""Bars from a MetaTrader 5 terminal.

``decisions`` knows the rules and calls nothing; ``adapter`` is the one owner of the blocking API;
``worker`` is the process it lives in, and ``client`` talks to that process over a pipe.
"""
