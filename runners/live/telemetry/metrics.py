"""Counters, gauges and histograms in Prometheus' text format, and nothing more.

Label values are words of ours and names of detectors and patterns. Text from clients never
becomes one: every new value would be a new series for ever. Counting never raises: what a label
holds is escaped.

References
----------
https://prometheus.io/docs/instrumenting/exposition_formats/ (version 0.0.4)
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from itertools import product
from typing import Literal

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
LATENCY_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0)

Kind = Literal["counter", "gauge", "summary"]
_NAME = re.compile(r"[a-z][a-z0-9_]*")
_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})


class Metrics:
    """A process's figures. Declare each once, with its meaning, then use it by name."""

    def __init__(self) -> None:
        self._help: dict[str, tuple[str, str]] = {}
        self._values: dict[str, dict[str, float]] = {}
        self._histograms: dict[str, Histogram] = {}

    def declare(self, name: str, kind: Kind, meaning: str, /, **labels: Iterable[str]) -> None:
        """Introduce a counter, a gauge or the quantiles of a summary.

        A counter's name ends in ``_total``. ``labels`` gives each label's values known already:
        their series begin at 0, so that the first increase of one shows as an increase.
        :meth:`expect` adds those that are known later.
        """
        if (kind == "counter") != name.endswith("_total"):
            raise ValueError(f"metric {name!r} is a {kind}; `_total` ends the names of counters")
        self._introduce(name, kind, meaning)
        self._values[name] = {}
        for values in product(*labels.values()):
            self.expect(name, **dict(zip(labels, values, strict=True)))

    def expect(self, name: str, /, **labels: str) -> None:
        """Begin a series at 0, if it has not begun."""
        self._values[name].setdefault(_labels(labels), 0)

    def declare_histogram(
        self, name: str, meaning: str, bounds: Sequence[float] = LATENCY_BUCKETS
    ) -> None:
        """Introduce a histogram of durations in seconds with these upper bounds."""
        self._introduce(name, "histogram", meaning)
        self._histograms[name] = Histogram(bounds)

    def add(self, name: str, amount: float = 1, /, **labels: str) -> None:
        """Increase a counter."""
        series = self._values[name]
        key = _labels(labels)
        series[key] = series.get(key, 0) + amount

    def set(self, name: str, value: float, /, **labels: str) -> None:
        """Set a gauge, or a counter that is kept elsewhere."""
        self._values[name][_labels(labels)] = value

    def observe(self, name: str, seconds: float) -> None:
        """Put one duration into a histogram."""
        self._histograms[name].observe(seconds)

    def value(self, name: str, /, **labels: str) -> float:
        """Return a counter's or gauge's value; 0 if it has none yet."""
        return self._values[name].get(_labels(labels), 0)

    def render(self) -> str:
        """Return everything as text."""
        lines: list[str] = []
        for name, (kind, meaning) in self._help.items():
            lines.append(f"# HELP {name} {meaning}")
            lines.append(f"# TYPE {name} {kind}")
            if name in self._histograms:
                lines.extend(self._histograms[name].lines(name))
            else:
                series = sorted(self._values[name].items())
                lines.extend(f"{name}{key} {value:.15g}" for key, value in series)
        return "\n".join(lines) + "\n"

    def _introduce(self, name: str, kind: str, meaning: str) -> None:
        if _NAME.fullmatch(name) is None or name in self._help:
            raise ValueError(f"metric {name!r} is misspelt or declared twice")
        self._help[name] = (kind, meaning)


class Histogram:
    """Counts of values by upper bound, and their sum."""

    __slots__ = ("_bounds", "_counts", "_sum")

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = tuple(bounds)
        self._counts = [0] * (len(self._bounds) + 1)
        self._sum = 0.0

    def observe(self, value: float) -> None:
        """Count one value."""
        self._counts[bisect_left(self._bounds, value)] += 1
        self._sum += value

    def lines(self, name: str) -> list[str]:
        """Return its samples: cumulative buckets, sum, count."""
        lines: list[str] = []
        below = 0
        for bound, count in zip((*self._bounds, float("inf")), self._counts, strict=True):
            below += count
            upper = "+Inf" if bound == float("inf") else f"{bound:g}"
            lines.append(f'{name}_bucket{{le="{upper}"}} {below}')
        return [*lines, f"{name}_sum {self._sum:.15g}", f"{name}_count {below}"]


def _labels(labels: Mapping[str, str]) -> str:
    if not labels:
        return ""
    pairs = (f'{name}="{value.translate(_ESCAPES)}"' for name, value in sorted(labels.items()))
    return "{" + ",".join(pairs) + "}"
