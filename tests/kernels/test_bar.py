"""The bar a kernel sees."""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from alertlib.kernels.bar import TickBar, bar_of, weekday_of


@given(st.integers(-30_000, 30_000))
def test_a_weekday_is_that_of_the_calendar(day: int) -> None:
    assert weekday_of(day) == (date(1970, 1, 1) + timedelta(days=day)).weekday()


def test_a_bar_is_read_from_as_many_columns_as_it_has_fields() -> None:
    columns = [(10 * number, 10 * number + 1) for number in range(len(TickBar._fields))]

    assert bar_of(columns, 1) == TickBar(*(last for _, last in columns))


def test_what_a_bar_does_not_say_is_nought() -> None:
    assert TickBar(1, 2, 0, 1, 5, 3, 540)[7:] == (0, 0, 0, 0, 0.0)
