"""Detector kernels: one ``step`` each, on scalar state and integer prices.

Standard library only. Batch compiles these very functions from outside, the live side calls them
as they are; only ``+ - * /``, comparisons and ``float()`` are used, so both agree bit for bit.
"""
