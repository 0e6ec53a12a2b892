"""Laws of the configuration, for settings and files nobody thought of."""

from __future__ import annotations

import copy
import json
import pickle
import re
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import pytest
import yaml
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from alertlib.config import Config, load_config
from alertlib.config.convert import hints_of, is_section
from alertlib.config.document import parse
from alertlib.config.problem import Problem
from alertlib.config.schema import Settings
from alertlib.config.types import (
    Address,
    AddressBlock,
    DetectorName,
    ParameterName,
    Pattern,
    Reference,
)
from alertlib.errors import ConfigError
from alertlib.kernels.params import Range

SHIPPED = Path(__file__).parents[2] / "config/alertas.yaml"
LOCATED = re.compile(r".*c\.yaml:[1-9][0-9]*: .*got .+, expected .+")

# The machine is shared: a slow draw or example says nothing about the laws.
law = settings(deadline=None, max_examples=80, suppress_health_check=[HealthCheck.too_slow])

texts = st.text("aZ_09 .,:;#-+=*&!|>{}[]()@%`'\"\\/~$<ãç日😀", max_size=20)
scalars = st.none() | st.booleans() | st.integers() | st.floats(-1e300, 1e300) | texts


def _values(annotation: Any) -> st.SearchStrategy[Any]:
    """Return values that ``annotation`` accepts."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if is_section(annotation):
        parts = {name: _values(kind) for name, kind in hints_of(annotation).items()}
        return st.builds(annotation, **parts)
    if origin is Annotated:
        return _limited(arguments[0], arguments[1:])
    if origin is Union or (origin is not None and type(None) in arguments):
        return st.none() | _values(next(x for x in arguments if x is not type(None)))
    if origin is Literal:
        return st.sampled_from(arguments)
    if origin is tuple:
        return st.lists(_values(arguments[0]), max_size=3).map(tuple)
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return st.sampled_from(list(annotation))
    if annotation is bool:
        return st.booleans()
    parameters = st.dictionaries(_values(ParameterName), scalars | st.lists(scalars), max_size=3)
    return st.dictionaries(_values(DetectorName), parameters, max_size=2)


def _limited(base: type, limits: tuple[Any, ...]) -> st.SearchStrategy[Any]:
    for limit in limits:
        if isinstance(limit, Reference):
            regex = re.compile("[a-zà-ü_][a-zà-ü0-9_.:-]{0,99}")
            return st.from_regex(regex, fullmatch=True).filter(limit.__contains__)
        if isinstance(limit, Address):
            return st.from_regex("[a-z]{1,9}@[a-zà-ü]{1,9}[.]example", fullmatch=True).filter(
                limit.__contains__
            )
        if isinstance(limit, AddressBlock):
            return st.ip_addresses().map(str) | st.just("10.1.0.0/16")
        if isinstance(limit, Pattern):
            regex = re.compile(limit.regex, re.ASCII)
            found = st.from_regex(regex, fullmatch=True).filter(str.isprintable)
            return found.filter(limit.__contains__)
        if isinstance(limit, Range) and base is int:
            return st.integers(int(limit.low), int(limit.high))
        if isinstance(limit, Range):
            low = max(limit.low, limit.above)
            return st.floats(
                None if low == float("-inf") else low,
                min(limit.high, 1e300),
                exclude_min=limit.above > float("-inf"),
            )
    raise AssertionError(f"no strategy for {base} with {limits}")


def _leaves(section: Any = Settings, path: str = "") -> Iterator[tuple[str, Any]]:
    for name, annotation in hints_of(section).items():
        below = f"{path}.{name}" if path else name
        if is_section(annotation):
            yield from _leaves(annotation, below)
        else:
            yield below, annotation


LEAVES = {path: _values(annotation) for path, annotation in _leaves()}


@st.composite
def configs(draw: st.DrawFn) -> Config:
    """Any configuration that does not contradict itself."""
    paths = draw(st.lists(st.sampled_from(sorted(LEAVES)), unique=True, max_size=8))
    changes = {path: draw(LEAVES[path]) for path in paths}
    try:
        return Config().update(changes)
    except ConfigError:
        # Each value is acceptable by itself, so that they contradict each other.
        assume(False)
        raise


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("laws") / "c.yaml"


@law
@given(configs())
def test_what_is_written_is_read_back(file: Path, config: Config) -> None:
    file.write_text(json.dumps(config.to_dict(), ensure_ascii=False), encoding="utf-8")
    again = load_config(file)
    assert again == config
    assert again.hash == config.hash
    assert again.to_dict() == config.to_dict()
    assert pickle.loads(pickle.dumps(config)) == config == copy.deepcopy(config)


@law
@given(configs())
def test_what_another_program_writes_as_yaml_is_read_back(file: Path, config: Config) -> None:
    """But for untyped parameters, whose texts YAML 1.1 leaves without the quotes they need."""
    config = config.set("detection.custom", {})
    text = yaml.safe_dump(config.to_dict(), allow_unicode=True, width=10**6, sort_keys=False)
    file.write_text(text, encoding="utf-8")
    assert load_config(file) == config


@law
@given(st.data())
def test_a_value_and_its_text_are_one(data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(sorted(LEAVES)))
    value = data.draw(LEAVES[path])
    try:
        typed = Config().set(path, value)
    except ConfigError:
        assume(False)
    tree: Any = typed.to_dict()
    for name in path.split("."):
        tree = tree[name]
    text = tree if isinstance(tree, str) else json.dumps(tree, ensure_ascii=False)
    assert Config().set(path, text) == typed


@law
@given(configs(), configs())
def test_hashes_are_equal_where_configs_are(one: Config, other: Config) -> None:
    assert (one == other) == (one.hash == other.hash)
    assert one.update(dict(_flat(other.to_dict()))) == other


def _flat(tree: dict[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in tree.items():
        below = f"{path}.{name}" if path else name
        if isinstance(value, dict) and below != "detection.custom":
            yield from _flat(value, below)
        else:
            yield below, value


def _loads_or_is_refused_in_one_line(file: Path, raw: bytes) -> None:
    file.write_bytes(raw)
    refusal = None
    try:
        load_config(file)
    except ConfigError as error:
        refusal = str(error)
    assert refusal is None or LOCATED.fullmatch(refusal), refusal


@law
@given(st.binary(max_size=200))
def test_any_bytes_load_or_are_refused_in_one_line(file: Path, raw: bytes) -> None:
    _loads_or_is_refused_in_one_line(file, raw)


pieces = st.sampled_from(
    [
        *"{}[],:#&*!|>-?%@`'\"\\~\t\n\r\x00\x85\u2028\ufeffç😀",
        *(": ", "\n  ", "\n    ", "- ", "---\n", "...", " #", "<<", "\\UFFFFFFFF"),
        *("data", "symbols", "detection", "enabled", "volatilidade", "custom", "a.b:c", "policy"),
        *("window_start", "09:05", "null", "true", "no", "1", "017", "1e3", ".nan"),
    ]
)


@law
@given(st.lists(pieces | st.text(max_size=3), max_size=25).map("".join))
def test_any_text_loads_or_is_refused_in_one_line(file: Path, text: str) -> None:
    _loads_or_is_refused_in_one_line(file, text.encode("utf-8", "surrogatepass"))


@law
@given(st.data())
def test_any_slip_in_a_valid_file_loads_or_is_refused_in_one_line(
    file: Path, data: st.DataObject
) -> None:
    text = SHIPPED.read_text(encoding="utf-8")
    lines = [line for line in text.split("\n") if not line.lstrip().startswith("#")]
    at = data.draw(st.integers(0, len(lines) - 1))
    column = data.draw(st.integers(0, len(lines[at])))
    slip = data.draw(pieces | texts)
    cut = data.draw(st.integers(0, 3))
    lines[at] = lines[at][:column] + slip + lines[at][column + cut :]
    _loads_or_is_refused_in_one_line(file, "\n".join(lines).encode("utf-8", "surrogatepass"))


@law
@given(st.lists(pieces, max_size=25).map("".join))
def test_an_accepted_document_is_what_yaml_says_it_is(text: str) -> None:
    """Blanked comments and refused features never change what a file says."""
    try:
        tree, _ = parse(text)
    except Problem:
        return
    node = yaml.compose(text.removeprefix("\ufeff"), Loader=yaml.SafeLoader)
    assert (tree or {}) == (_texts(node) or {})


def _texts(node: yaml.Node | None) -> Any:
    if isinstance(node, yaml.MappingNode):
        return {_texts(key): _texts(value) for key, value in node.value}
    if isinstance(node, yaml.SequenceNode):
        return [_texts(item) for item in node.value]
    return node.value if node is not None else None
