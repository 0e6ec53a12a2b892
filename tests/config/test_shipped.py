"""The two files that are shipped, held against the schema they document."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import pytest

from alertlib.config import Config, load_config
from alertlib.config.convert import describe, hints_of, is_section, paths_of
from alertlib.config.document import parse
from alertlib.config.schema import FeeSince, HoursSince, Settings, SymbolSpec

ROOT = Path(__file__).parents[2]
SHIPPED = ROOT / "config/alertas.yaml"
DEVELOPMENT = ROOT / "config/alertas.dev.yaml"


def _annotations(section: Any = Settings, path: str = "") -> Iterator[tuple[str, Any]]:
    for name, annotation in hints_of(section).items():
        below = f"{path}.{name}" if path else name
        if is_section(annotation):
            yield from _annotations(annotation, below)
        else:
            yield below, annotation


def _parts(annotation: Any) -> Iterator[Any]:
    yield annotation
    for part in get_args(annotation) if get_origin(annotation) is not Literal else ():
        yield from _parts(part)


LEAVES = dict(_annotations())


def test_the_shipped_file_is_the_defaults() -> None:
    assert load_config(SHIPPED) == Config()
    assert load_config(SHIPPED).hash == Config().hash


def test_the_shipped_file_states_every_key_in_the_order_of_the_schema() -> None:
    _, lines = parse(SHIPPED.read_text(encoding="utf-8"))
    stated = [path for path in lines if "[" not in path]
    assert sorted(stated) == sorted(paths_of(Settings))
    sections = [path for path in stated if "." not in path]
    assert sections == list(hints_of(Settings))


@pytest.mark.parametrize("path", sorted(set(LEAVES) - {"detection.custom"}))
def test_the_comment_above_a_key_states_its_limits(path: str) -> None:
    text = SHIPPED.read_text(encoding="utf-8")
    _, lines = parse(text)
    above: list[str] = []
    for line in reversed(text.split("\n")[: lines[path] - 1]):
        if not line.lstrip().startswith("#"):
            break
        above.insert(0, line.lstrip().removeprefix("#").strip())
    accepts = " ".join(above).rpartition("Accepts ")[2]
    assert accepts == describe(LEAVES[path]).partition("; each item: a section")[0]


def test_the_commented_example_of_a_symbol_loads() -> None:
    """An example nobody can paste is worse than none."""
    text = SHIPPED.read_text(encoding="utf-8")
    example = re.search(r"  #   - symbol: WDO\$N\n(  #     .*\n)+", text)
    assert example is not None
    entry = re.sub(r"(?m)^  # ", "", example.group())
    config = Config().update(parse(f"data:\n  symbols:\n{entry}")[0])
    dated = {"since", "open", "close", "points"}
    assert set(hints_of(SymbolSpec)) | dated == set(re.findall(r"(\w+):(?= )", entry))
    assert config.data.symbols == (
        SymbolSpec(
            "WDO$N", ("M5", "M15"), 0.5, 10.0, 0.05, "09:00", "18:30",
            (HoursSince("2026-03-09", "08:00", "18:30"),
             HoursSince("2026-04-20", "08:00", "20:00")),
            (FeeSince("2026-01-02", 0.06),),
        ),
    )  # fmt: skip


def test_development_differs_only_where_it_has_to() -> None:
    config = load_config(DEVELOPMENT)
    assert sorted(config.changes()) == [
        "delivery.email.enabled",
        "delivery.email.operator",
        "delivery.email.recipients",
        "delivery.email.security",
        "delivery.email.smtp_port",
        "live.database",
        "live.feed",
    ]


def test_every_kind_of_setting_is_known_to_the_reader() -> None:
    """A kind that is not would be read as a value of any type."""
    known = {bool, int, float, str, type(None), Any}
    for path, annotation in LEAVES.items():
        for part in _parts(annotation):
            origin = get_origin(part)
            if isinstance(part, type) and origin is None and not is_section(part):
                assert part in known or hasattr(part, "__members__"), path
            elif origin is not None:
                assert origin in (Annotated, Literal, Union, tuple) or path == "detection.custom"


def test_defaults_are_within_their_own_limits() -> None:
    tree = Config().to_dict()
    for path in LEAVES:
        value: Any = tree
        for name in path.split("."):
            value = value[name]
        assert Config().set(path, value) == Config()
