"""Bars from a MetaTrader 5 terminal.

``rules`` calls nothing; ``connection`` is the one owner of the blocking API and ``adapter`` asks
it for bars; ``worker`` is the process they live in, ``client`` talks to that over a pipe.
"""
