"""The settings in force, as one value."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import FrozenInstanceError, dataclass, field, fields, is_dataclass, replace
from enum import Enum
from pathlib import Path
from typing import Any, get_args, get_origin

from alertlib._arguments import expect, shown
from alertlib.config.constraints import check
from alertlib.config.convert import convert, field_name, hints_of, is_section
from alertlib.config.document import parse
from alertlib.config.problem import Plain, Problem
from alertlib.config.schema import Settings
from alertlib.config.secrets import without_secrets
from alertlib.config.types import FrozenMap
from alertlib.errors import ConfigError

_CUSTOM = "detection.custom."
_SHOWN_CHANGES = 4


@dataclass(frozen=True, slots=True, repr=False)
class Config(Settings):
    """Every setting, checked, and where it came from.

    Immutable, hashable and picklable. A ``Config`` that exists is valid: the constructor
    checks what it is given, just as the reader of a file does. Two are equal if their settings
    are, whatever file they came from.

    Attributes
    ----------
    data, detection, policy, trade, scoring, gate, delivery, live, audit
        The sections; see :mod:`alertlib.config.schema`.
    source : Path or None
        The file read; None for the built-in defaults.

    Raises
    ------
    ConfigError
        From every way to make one: the key's path, what it got and what was expected.
    """

    source: Path | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        for name, annotation in hints_of(Settings).items():
            object.__setattr__(self, name, convert(annotation, getattr(self, name), name))
        check(self)

    def set(self, path: str, value: object) -> Config:
        """Return a configuration with one setting changed.

        Parameters
        ----------
        path : str
            Dotted key, such as ``detection.volatility.window``; a parameter of a detector of
            one's own is ``detection.custom.package.module:name.parameter``.
        value : object
            Typed, or as it would be written in the file. A mapping for a section changes the
            keys it states and leaves the others.
        """
        return self.update({path: value})

    def update(self, changes: Mapping[str, object]) -> Config:
        """Return a configuration with several settings changed, checked together at the end."""
        expect("config.update", changes, Mapping, "a mapping of dotted keys to values")
        sections: dict[str, Any] = {name: getattr(self, name) for name in hints_of(Settings)}
        for path, value in changes.items():
            expect("config.set", path, str, "a dotted key such as detection.volatility.window")
            keys = _keys(path)
            name = field_name(Settings, keys[0], "")
            sections[name] = _changed(
                hints_of(Settings)[name], sections[name], keys[1:], value, keys[0]
            )
        return Config(**sections, source=self.source)

    def to_dict(self) -> dict[str, Any]:
        """Return the settings as nested dictionaries of JSON's types, enums by name."""
        return {name: _plain(getattr(self, name)) for name in hints_of(Settings)}

    @property
    def hash(self) -> str:
        """The sha256 of the settings' canonical JSON, in hex; the file's path is no part."""
        canonical = _json(self.to_dict(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()

    def changes(self) -> dict[str, Any]:
        """Return the settings that differ from the built-in defaults, by path."""
        defaults = dict(_leaves(Config().to_dict()))
        return {
            path: value
            for path, value in _leaves(self.to_dict())
            if path not in defaults or defaults[path] != value
        }

    def __repr__(self) -> str:
        changes = [f"{path}={shown_setting(value)}" for path, value in self.changes().items()]
        shown = changes[:_SHOWN_CHANGES]
        if len(changes) > len(shown):
            shown.append(f"and {len(changes) - len(shown)} more")
        origin = self.source or "built-in defaults"
        return f"<Config {', '.join([str(origin), f'hash {self.hash[:12]}', *shown])}>"

    def _repr_html_(self) -> str:
        from html import escape

        changes = self.changes()
        rows = []
        for path, value in _leaves(self.to_dict()):
            text = escape(shown_setting(value))
            shown = f"<b>{text}</b>" if path in changes else text
            rows.append(f"<tr><td>{escape(path)}</td><td>{shown}</td></tr>")
        origin = escape(str(self.source or "built-in defaults"))
        return (
            f"<details><summary>Config, {origin}, hash {self.hash[:12]}, "
            f"{len(changes)} changed from the defaults</summary>"
            f"<table>{''.join(rows)}</table></details>"
        )


class FrozenConfigError(ConfigError, FrozenInstanceError):
    """An assignment to a configuration."""


def _refuse_assignment(self: Config, name: str, value: object) -> None:
    raise FrozenConfigError(
        f"config.{name}: got an assignment of {shown(value)}; expected config.set, as in "
        "config = config.set('scoring.seed', 2): a configuration never changes"
    )


def _refuse_assignments_below(section: type, path: str) -> None:
    """Let every section say what to write instead, as the configuration itself does."""

    def refuse(self: object, name: str, value: object) -> None:
        raise FrozenConfigError(
            f"config.{path}.{name}: got an assignment of {shown(value)}; expected config.set, as "
            f"in config = config.set('{path}.{name}', ...): a configuration never changes"
        )

    section.__setattr__ = refuse  # type: ignore[assignment]
    for name, annotation in hints_of(section).items():
        if isinstance(annotation, type) and is_dataclass(annotation):
            _refuse_assignments_below(annotation, f"{path}.{name}")


for _name, _section in hints_of(Settings).items():
    _refuse_assignments_below(_section, _name)


# A frozen class with slots fails in its own way over a name it does not know (Python 3.11).
Config.__setattr__ = _refuse_assignment  # type: ignore[assignment]


def settings_of(config: Settings | None) -> Settings:
    """Return the settings a function is called with; the built-in defaults for None.

    Raises
    ------
    ConfigError
        If they are something else, such as a dictionary or a path.
    """
    if config is None:
        return Config()
    expect(
        "config", config, Settings,
        "what al.load_config() returns; single settings are changed by config.set and "
        "config.update, a file is named to load_config",
    )  # fmt: skip
    return config


def shown_setting(value: object) -> str:
    """Return a value as JSON to be read by people, without what may be a secret."""
    return without_secrets(_json(value))


def _json(value: Any, **style: Any) -> str:
    return json.dumps(value, ensure_ascii=False, **style)


def _keys(path: str) -> list[str]:
    """Split a dotted path; the name of a user's detector has dots of its own."""
    if not path.startswith(_CUSTOM):
        return path.split(".")
    name, dot, parameter = path.removeprefix(_CUSTOM).rpartition(".")
    if not dot or ":" in parameter:
        return ["detection", "custom", path.removeprefix(_CUSTOM)]
    return ["detection", "custom", name, parameter]


def _changed(annotation: Any, now: Any, keys: list[str], value: Any, path: str) -> Any:
    """Return ``now``, of the type ``annotation``, with what ``keys`` lead to replaced."""
    if not keys:
        if isinstance(value, str):
            value = _as_written(annotation, value, path)
        if not (is_section(annotation) and isinstance(value, Mapping)):
            return convert(annotation, value, path)
        for key, item in value.items():
            now = _changed(annotation, now, [str(key)], item, path)
        return now
    key, rest = keys[0], keys[1:]
    if is_section(annotation):
        name = field_name(annotation, key, path)
        below = _changed(
            hints_of(annotation)[name], getattr(now, name), rest, value, f"{path}.{key}"
        )
        changed = {name: below}
        return now._replace(**changed) if hasattr(now, "_replace") else replace(now, **changed)
    if get_origin(annotation) is Mapping:
        names, values = get_args(annotation)
        name = convert(names, key, f"{path}.{key}")
        below = _changed(values, now.get(name, FrozenMap()), rest, value, f"{path}.{key}")
        return FrozenMap({**now, name: below})
    raise Problem(f"{path}.{key}", "an unknown key", f"{path} itself, which has no keys")


def _as_written(annotation: Any, text: str, path: str) -> Any:
    """Read a text as the file would: lists and sections in YAML, a scalar as it stands."""
    if not is_section(annotation) and get_origin(annotation) not in (tuple, Mapping):
        return Plain(text)
    try:
        return parse(text)[0]
    except Problem as problem:
        raise Problem(path, *problem.halves) from None


def _plain(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.name
    if is_dataclass(value):
        return {f.name: _plain(getattr(value, f.name)) for f in fields(value)}
    if hasattr(value, "_asdict"):
        section: Any = type(value)
        return {name: _plain(getattr(value, name)) for name in hints_of(section)}
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value


def _leaves(tree: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in tree.items():
        if isinstance(value, dict) and value:
            yield from _leaves(value, f"{path}{name}.")
        else:
            yield f"{path}{name}", value
