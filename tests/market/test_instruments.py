"""The table of families."""

from __future__ import annotations

from alertlib.market.instruments import FAMILIES, hours_of_families
from alertlib.scorecard import canonical_hash


def test_the_hours_of_every_family_can_be_hashed() -> None:
    """Golden: whoever changes hours changes the scoring spec, and has to mean it."""
    hours = hours_of_families()

    assert list(hours) == [family.name for family in FAMILIES]
    assert hours == {
        "WIN": {
            "kind": "b3_futures", "open": 540, "ash_wednesday_open": 780, "close": 1_105,
            "us_daylight_saving_close": 1_075, "us_daylight_saving_until": "2023-11-05",
        },
        "WDO": {
            "kind": "b3_futures", "open": 540, "ash_wednesday_open": 780, "close": 1_110,
            "us_daylight_saving_close": 1_080, "us_daylight_saving_until": "2023-11-05",
        },
        "BIT": {
            "kind": "b3_bitcoin", "before": hours["WDO"], "ash_wednesday_open": 780,
            "since": {"2026-03-09": [480, 1_110], "2026-04-20": [480, 1_200]},
        },
        "B3 cash equity": {
            "kind": "b3_cash", "open": 600, "ash_wednesday_open": 780, "close": 1_080,
            "us_daylight_saving_close": 1_020,
        },
    }  # fmt: skip
    assert canonical_hash(hours) == canonical_hash(hours_of_families())
