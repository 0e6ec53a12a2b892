"""The registry of detectors and the decorator that makes one.

A detector is a ``step``: ``(state, ring, bar, params) -> (signal, state)``, or ``(signal,
probability, state)`` where it can say how probable it is. Nothing else is needed to stream it, to
backtest it or to audit it; the built-in ones are declared with the same
:func:`detector` as a user's own.
"""

from __future__ import annotations

from collections.abc import Callable, MutableSequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import partial
from numbers import Integral
from typing import Any, NamedTuple

from alertlib.detection.declaration import (
    check_declaration,
    check_telling,
    expect_callable,
    learning_of,
    quoted,
)
from alertlib.detection.fitting import Fit, Learn
from alertlib.detection.homes import (
    PROGRAM,
    calling_module,
    import_home,
    is_importable,
    not_declared,
    read_parts,
)
from alertlib.detection.records import in_quanta
from alertlib.errors import ConfigError
from alertlib.kernels.bar import TickBar
from alertlib.kernels.reading import Evidence

Step = Callable[[Any, MutableSequence[int], TickBar, Any], tuple[int, Any] | tuple[int, float, Any]]
# From a frame of bars and the parameters to one signal per row; batch only.
Columns = Callable[[Any, Any], Any]

DEFAULT_CONFIDENCE = 0.65


@dataclass(frozen=True)
class Detector:
    """A step with everything needed to run it.

    Attributes
    ----------
    name : str
        Unique; ``volatility``, or ``package.module:name`` for a user's own.
    step : callable
        ``(state, ring, bar, params) -> (signal, state)``, signal -1, 0 or +1; with
        ``probability`` a triple.
    patterns : tuple of str
        Names of a ``+1`` and of a ``-1`` signal.
    params : NamedTuple
        Parameters in force, prices in ticks.
    state : NamedTuple
        State at the start of a series; its fields are int, float or again such a NamedTuple.
    ring_size, warmup_size : callable
        Parameters -> length of the ring, bars of warm-up.
    confidence : int
        Base confidence in hundredths.
    columns : callable or None
        Instead of a step: a function of the whole frame, see :func:`frame_detector`.
    probability : bool
        Whether the step answers ``(signal, probability, state)``.
    fit : Fit or None
        How its parameters are learned; until then it gives no signal.
    fitted_until : date or None
        Last date of the bars that a model made elsewhere has seen; of a detector made of
        detectors, the latest of its parts'.
    evidence : callable or None
        What the step compares at a bar, for :meth:`alertlib.Run.explain`.
    home : str
        Module that declared it.
    recipe : partial or None
        The call that makes it again, of a detector made of detectors.

    Notes
    -----
    It is pickled by name: of the module that declares it and its own, with its parameters. Who
    unpickles it imports the module. A detector made of detectors is made again where its module
    does not make it.
    """

    name: str
    step: Step
    patterns: tuple[str, str]
    params: Any
    state: Any
    ring_size: Callable[[Any], int]
    warmup_size: Callable[[Any], int]
    confidence: int
    columns: Columns | None = None
    probability: bool = False
    fit: Fit | None = None
    fitted_until: date | None = None
    evidence: Evidence | None = field(default=None, compare=False)
    home: str = field(default="", compare=False)
    recipe: partial[Detector] | None = field(default=None, compare=False)

    def __call__(
        self, state: Any, ring: MutableSequence[int], bar: TickBar, params: Any
    ) -> tuple[Any, ...]:
        """Call the step itself, so that a decorated function stays a function."""
        return self.step(state, ring, bar, params)

    @property
    def ring(self) -> int:
        """Length of the ring, in integers."""
        return self._size("ring", self.ring_size)

    @property
    def warmup(self) -> int:
        """Bars before the previous one that a signal needs in order to count.

        Most steps compare two neighbouring bars; a window must have been full on both.
        """
        return self._size("warmup", self.warmup_size)

    def _size(self, what: str, size: Callable[[Any], int]) -> int:
        # Not when declared: a mistake in one detector would keep a module's others from use.
        expected = "expected a whole number >= 0"
        try:
            got: Any = size(self.params)
        except Exception as error:
            raised = f"{type(error).__name__}: {error}"
            raise ConfigError(
                f"detector {self.name!r}: {what}: raised {raised}; {expected}"
            ) from error
        if isinstance(got, bool) or not isinstance(got, Integral) or got < 0:
            raise ConfigError(f"detector {self.name!r}: {what}: got {quoted(got)}, {expected}")
        return int(got)

    def pattern(self, direction: int) -> str:
        """Return the pattern's name for ``direction`` (+1 or -1)."""
        return self.patterns[0] if direction > 0 else self.patterns[1]

    def with_params(self, params: Any) -> Detector:
        """Return the same detector with other parameters."""
        return replace(self, params=params)

    def fitted(self, params: Any) -> Detector:
        """Return the detector with parameters it has learned: one that learns no more."""
        return replace(self, params=params, fit=None)

    def kernel_params(self, quanta_per_tick: int) -> Any:
        """Return the parameters as the step reads them.

        Fields that end in ``_ticks``, at any depth, are turned into quanta of the series;
        everything else is passed on. Integers given where the default is a float become floats,
        so that plain Python and compiled code compute with the same types.
        """
        return in_quanta(self.params, quanta_per_tick)

    @property
    def lost(self) -> str | None:
        """Name of the detector, this or one it is made of, that no other process can import."""
        return self._unmade() if self.home in ("", PROGRAM) else None

    def homes(self) -> set[str]:
        """Return the modules, this package's aside, that it and what it is made of come from."""
        inner = (part.homes() for part in self.parts() if isinstance(part, Detector))
        functions = {p.__module__ for p in self.parts() if is_importable(p)}
        found = {self.home, *functions}.union(*inner) - {"", PROGRAM}
        return {name for name in found if not name.startswith("alertlib.")}

    def parts(self) -> tuple[Any, ...]:
        """Return what a detector made of detectors is made of: those, a filter, its words."""
        recipe = self.recipe
        return () if recipe is None else (*recipe.args, *recipe.keywords.values())

    def _unmade(self) -> str | None:
        """Return the name of the part that keeps the recipe from being followed elsewhere."""
        if self.recipe is None:
            return self.name
        for part in self.parts():
            if isinstance(part, Detector):
                if part.lost is not None:
                    return part.lost
            elif callable(part) and not is_importable(part):
                return self.name
        return None

    def __copy__(self) -> Detector:
        return self

    def __deepcopy__(self, memo: Any) -> Detector:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        import pickle

        recipe = self.recipe if self._unmade() is None else None
        kept = {name: getattr(self, name) for name in _KEPT}
        # By itself, since it is read once the module is known to be there.
        content = pickle.dumps((recipe, kept))
        return _restore, (self.name, self.home, recipe is not None, self.fit is not None, content)

    def __repr__(self) -> str:
        shown = ", ".join(f"{k}={v}" for k, v in self.params._asdict().items())
        return f"Detector({self.name!r}, {shown})" if shown else f"Detector({self.name!r})"


class _NoParams(NamedTuple):
    """Parameters of a detector that has none."""


_NO_PARAMS = _NoParams()

REGISTRY: dict[str, Detector] = {}

# What of a detector is a value and may have been replaced; the rest is code, and its module has it.
_KEPT = ("params", "patterns", "confidence", "probability", "fitted_until")


def _restore(name: str, home: str, can_be_made: bool, learns: bool, content: bytes) -> Detector:
    """Return an unpickled detector: the one its module declares, or one made by its recipe."""
    found = _declared(name, home)
    if found is None and not can_be_made:
        raise not_declared(name, home)
    recipe, kept = read_parts(name, content)
    if found is None:
        found = REGISTRY[name] = replace(recipe(), home=home)
    return replace(found, fit=found.fit if learns else None, **kept)


def _declared(name: str, home: str) -> Detector | None:
    there = [REGISTRY.get(name)]
    if (there[0] is None or there[0].home != home) and home not in ("", PROGRAM):
        module = import_home(name, home)
        # Another module may have registered its own under that name.
        there = [REGISTRY.get(name), *vars(module).values()]
    for each in there:
        if isinstance(each, Detector) and (each.name, each.home) == (name, home):
            return each
    return None


def detector(
    name: str,
    *,
    patterns: tuple[str, str],
    state: Any,
    params: Any = _NO_PARAMS,
    ring: Callable[[Any], int] | int = 0,
    warmup: Callable[[Any], int] | int = 0,
    confidence: float = DEFAULT_CONFIDENCE,
    probability: bool = False,
    fit: Fit | Learn | None = None,
    fitted_until: date | str | None = None,
    evidence: Evidence | None = None,
) -> Callable[[Step], Detector]:
    """Make a detector of a step function.

    The step is called with every bar in turn: ``(state, ring, bar, params) -> (signal, state)``,
    signal -1, 0 or +1. The bar is an :class:`alertlib.TickBar`, whose prices are integers, in
    quanta of the series less all overnight gaps so far. Its fields:

    ``open high low close`` (prices), ``volume`` (tick volume, or real where there is none),
    ``place`` (bars before this one in its session), ``minute`` (of the bar's open, since
    midnight), ``gap`` (on a session's first bar its open less the last close), ``day`` (days
    since 1970-01-01), ``weekday`` (0 for Monday), ``real_volume`` (contracts or shares), ``atr``
    (average true range in quanta, NaN at first; a step that reads it needs 600 bars of warm-up).

    Parameters
    ----------
    name : str
        Name in the registry; a later detector of the same name replaces the earlier one (a
        notebook cell is run many times).
    patterns : (str, str)
        Names of its ``+1`` and its ``-1`` signal; may be equal.
    state, params : NamedTuple
        Fields of int or float, or again such a NamedTuple. The state is the one at the start
        of a series.
    ring, warmup : int or callable
        Length of the ring, and bars of warm-up: a signal counts once so many bars lie before
        the one that precedes it. A callable gets the parameters. The ring holds whole numbers,
        zeros at first: compiled code cuts off what is put into it of a fraction, which belongs
        in the state.
    confidence : float
        Base confidence, 0 to 0.95; it is kept in whole hundredths.
    probability : bool
        The step answers ``(signal, probability, state)``: how probably an alert now is valid,
        0 to 1. It takes the place of ``confidence`` in the alerts the detector leads, in whole
        hundredths, down; ``confidence`` still decides which detector leads.
    fit : callable or Fit, optional
        Learns the parameters: ``(bars, moves, outcomes) -> params``, see
        :class:`alertlib.Fit`. The backtest then fits on sessions before and scores only
        sessions after; ``params`` are merely an example of the type.
    fitted_until : date or ISO text, optional
        Of a model made elsewhere: the last date it has seen. Scored sessions that are not
        after it fail the guard rail ``out_of_sample``.
    evidence : callable, optional
        ``(state, ring, bar, params) -> readings``: what the step, about to be given the same,
        compares, as a tuple of :class:`alertlib.Reading`; the ring is left as it is.
        ``run.explain`` and ``run.missed`` show them; without it they show the state.

    Returns
    -------
    callable
        Decorator that turns the step into a :class:`Detector`.

    Raises
    ------
    ConfigError
        If a declaration is not of the stated form.
    """
    check_declaration(name, patterns, state, params, confidence)
    check_telling(name, probability, evidence)
    learned = learning_of(name, fit, fitted_until)
    home = calling_module()

    def decorate(step: Step) -> Detector:
        _expect_function(name, step, "a step: (state, ring, bar, params) -> (signal, state)")
        made = Detector(
            name=name,
            step=step,
            patterns=(patterns[0], patterns[1]),
            params=params,
            state=state,
            ring_size=ring if callable(ring) else lambda _: ring,
            warmup_size=warmup if callable(warmup) else lambda _: warmup,
            confidence=int(confidence * 100 + 0.5),
            probability=probability,
            fit=learned[0],
            fitted_until=learned[1],
            evidence=evidence,
            home=home,
        )
        REGISTRY[name] = made
        return made

    return decorate


def frame_detector(
    name: str,
    *,
    patterns: tuple[str, str],
    params: Any = _NO_PARAMS,
    warmup: int = 0,
    confidence: float = DEFAULT_CONFIDENCE,
    fit: Fit | Learn | None = None,
    fitted_until: date | str | None = None,
) -> Callable[[Callable[..., Any]], Detector]:
    """Make a detector of a function of a whole frame, for research in batch only.

    Such a function sees the future and can use it without meaning to: a centred window, a
    ``shift(-1)``, a scaler fitted on everything. The audits look for that; it cannot be
    streamed, so turn it into a step (:func:`detector`) before it goes live.

    Parameters
    ----------
    name, patterns, confidence, fitted_until
        As of :func:`detector`.
    params : NamedTuple, optional
        Given to the function after the frame; ``detection.custom`` can change them.
    warmup : int
        As of :func:`detector`.
    fit : callable or Fit, optional
        As of :func:`detector`; here it may return anything, such as a fitted model, which the
        function is given after the frame.

    Returns
    -------
    callable
        Decorator of a function that takes a Polars frame of the kept bars and returns one -1, 0
        or +1 per row. Columns: ``time``, and every field of :class:`alertlib.TickBar` (``open
        high low close`` of the gap-joined series, ``gap`` and ``atr``, all in points); the
        traded prices ``raw_open raw_high raw_low raw_close``; ``session``, its number.

    Raises
    ------
    ConfigError
        If a declaration is not of the stated form.
    """
    check_declaration(name, patterns, _NO_PARAMS, params, confidence)
    learned = learning_of(name, fit, fitted_until)
    home = calling_module()
    has_params = fit is not None or params is not _NO_PARAMS

    def decorate(columns: Callable[..., Any]) -> Detector:
        _expect_function(name, columns, "a function of a frame that returns one signal per row")
        made = Detector(
            name=name,
            step=_no_step,
            patterns=(patterns[0], patterns[1]),
            params=params,
            state=_NO_PARAMS,
            ring_size=lambda _: 0,
            warmup_size=lambda _: warmup,
            confidence=int(confidence * 100 + 0.5),
            columns=columns if has_params else lambda frame, _: columns(frame),
            fit=learned[0],
            fitted_until=learned[1],
            home=home,
        )
        REGISTRY[name] = made
        return made

    return decorate


def _expect_function(name: str, given: Any, expected: str) -> None:
    expect_callable(f"detector {name!r}", given, expected)
    if isinstance(given, Detector):
        # What it says of its fit, and what it has to learn, would be lost.
        raise ConfigError(
            f"detector {name!r}: got detector {given.name!r}, expected {expected}; make detectors "
            "of detectors with only and both"
        )


def _no_step(state: Any, ring: MutableSequence[int], bar: TickBar, params: Any) -> tuple[int, Any]:
    raise ConfigError("a frame detector has no step; decorate one with @alertlib.detector")
