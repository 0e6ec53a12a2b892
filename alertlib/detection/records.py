"""States and parameters: NamedTuples whose fields are int, float or again such a NamedTuple."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any


def is_record(value: Any) -> bool:
    """Whether ``value`` is an instance of a NamedTuple."""
    return isinstance(value, tuple) and hasattr(value, "_fields")


def leaves(record: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Yield every field that is no record itself, with its dotted path below ``path``."""
    for field, value in zip(record._fields, record, strict=True):
        below = f"{path}.{field}"
        if is_record(value):
            yield from leaves(value, below)
        else:
            yield below, value


def in_quanta(params: Any, quanta_per_tick: int) -> Any:
    """Return parameters as a step reads them, see :meth:`Detector.kernel_params`."""
    defaults = getattr(type(params), "_field_defaults", {})
    values = []
    for field, value in zip(params._fields, params, strict=True):
        if is_record(value):
            values.append(in_quanta(value, quanta_per_tick))
            continue
        if field.endswith("_ticks"):
            value *= quanta_per_tick
        values.append(float(value) if isinstance(defaults.get(field), float) else value)
    return type(params)(*values)


def to_lists(record: Any) -> list[Any]:
    """Return the values of a record as JSON can hold them."""
    return [to_lists(value) if is_record(value) else plain(value) for value in record]


def plain(value: Any) -> Any:
    """Return a number of NumPy's as Python's; all else as it is."""
    if type(value) is int or type(value) is float:
        return value
    return value.item() if hasattr(value, "item") else value


def from_lists(like: Any, values: Sequence[Any]) -> Any:
    """Return what :func:`to_lists` was given; ``like`` is any record of the same form."""
    return type(like)(*(
        from_lists(field, value) if is_record(field) else value
        for field, value in zip(like, values, strict=True)
    ))  # fmt: skip
