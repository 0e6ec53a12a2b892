"""YAML without its surprises: a tree of texts, and the line of every key.

Nothing is typed here. ``09:05``, ``no`` or ``1_000`` stay the text they are until the type of
their key is known. What a settings file has no use for is refused: anchors and aliases (hence
bombs), tags, texts over several lines, tabs, a second document.

The parser is PyYAML's own in Python, not libyaml: the two differ in what they accept, and a file
that loads on one machine has to load on all of them. Comment lines are blanked first, which makes
up for most of its slowness; that is safe because a text cannot run over several lines.
"""

from __future__ import annotations

import re
from typing import Any

from alertlib.config.problem import Plain, Problem, show
from alertlib.config.scalars import MAX_TEXT

MAX_BYTES = 1_000_000
_MAX_VALUES = 10_000
_MAX_DEPTH = 12
_MAX_LINE = 10_000

_COMMENT_LINE = re.compile(r"^ *#.*$", re.MULTILINE)
# Control characters, what ends a line for YAML 1.1 only, surrogates and byte-order marks.
_NOT_TEXT = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")
_TAB = re.compile("\t")
# What to write instead, by a fragment of what the parser says.
_REMEDIES = {
    "escape": "a text in single quotes, where a backslash is a backslash",
    "cannot start any token": "quotes around a value that starts with this sign",
    "quoted scalar": "the closing quote in the same line",
    "flow": "a closing bracket, and quotes around a text with a comma or bracket in it",
    "": "'key: value' lines, the keys of a section indented alike, and quotes around a text "
    "with ': ' or ' #' in it",
}


def decode(raw: bytes) -> str:
    """Return the text of a file; a byte-order mark of UTF-8 is dropped."""
    if len(raw) > MAX_BYTES:
        raise Problem("", f"more than {MAX_BYTES:,} bytes", "a settings file", line=1)
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Problem(
            "",
            f"byte 0x{raw[error.start]:02x}, which is not UTF-8",
            "a file saved as UTF-8",
            line=raw.count(b"\n", 0, error.start) + 1,
        ) from None


def parse(text: str) -> tuple[Any, dict[str, int]]:
    """Read one YAML document.

    Parameters
    ----------
    text : str
        The whole file.

    Returns
    -------
    tree : dict, list or str
        Mappings, lists, quoted texts as ``str`` and all other scalars as ``Plain``. An empty
        document is an empty mapping.
    lines : dict of str to int
        Line (from 1) of each key and list item by its dotted path.

    Raises
    ------
    Problem
        With its line, for anything but plain mappings, lists and scalars.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    _refuse_characters(text, _NOT_TEXT)
    text = _COMMENT_LINE.sub("", text)
    _refuse_characters(text, _TAB)
    _refuse_long_lines(text)
    import yaml

    reader = _Reader(yaml, text)
    try:
        return reader.document(), reader.lines
    except yaml.MarkedYAMLError as error:
        raise _syntax_problem(error) from None
    except (ValueError, OverflowError):
        got = 'an escape that names no character, such as "\\UFFFFFFFF"'
        raise Problem("", got, _REMEDIES["escape"], line=reader.line) from None


def _refuse_characters(text: str, refused: re.Pattern[str]) -> None:
    wrong = refused.search(text)
    if wrong is not None:
        sign = wrong.group()
        got = "a tab" if sign == "\t" else f"the character U+{ord(sign):04X}"
        line = text.count("\n", 0, wrong.start()) + 1
        raise Problem("", got, "printable text, indented with spaces", line=line)


def _refuse_long_lines(text: str) -> None:
    for number, characters in enumerate(map(len, text.split("\n")), start=1):
        if characters > _MAX_LINE:
            got = f"a line of {characters:,} characters"
            raise Problem("", got, f"at most {_MAX_LINE:,}", line=number)


def _syntax_problem(error: Any) -> Problem:
    said = " ".join(f"{error.context or ''} {error.problem or ''}".split())
    mark = error.problem_mark or error.context_mark
    # A quote or bracket that is never closed is noticed at the end, far from its cause.
    if error.context_mark is not None and ("quoted scalar" in said or "stream end" in said):
        mark = error.context_mark
    expected = next(text for fragment, text in _REMEDIES.items() if fragment in said)
    return Problem("", f"invalid YAML ({said})", expected, line=mark.line + 1 if mark else 1)


class _Reader:
    """Builds the tree from the parser's events, so that a refusal comes before the work."""

    def __init__(self, yaml: Any, text: str) -> None:
        self._yaml = yaml
        self._parser = yaml.SafeLoader(text)
        self._values = 0
        self.lines: dict[str, int] = {}

    @property
    def line(self) -> int:
        return int(self._parser.line) + 1

    def document(self) -> Any:
        self._next()  # the stream's start
        if isinstance(self._next(), self._yaml.StreamEndEvent):
            return {}
        tree = self._value(self._next(), "", 0)
        self._next()  # the document's end
        after = self._next()
        if not isinstance(after, self._yaml.StreamEndEvent):
            raise _refusal("", "a second document", "one document", after)
        return {} if tree == "" and isinstance(tree, Plain) else tree

    def _next(self) -> Any:
        event = self._parser.get_event()
        self._values += 1
        if self._values > _MAX_VALUES:
            raise _refusal("", f"more than {_MAX_VALUES:,} values", "a settings file", event)
        return event

    def _value(self, event: Any, path: str, depth: int) -> Any:
        self._refuse_references(event, path)
        if depth > _MAX_DEPTH:
            raise _refusal(path, "deeper nesting", f"at most {_MAX_DEPTH} levels", event)
        if isinstance(event, self._yaml.MappingStartEvent):
            return self._mapping(path, depth)
        if isinstance(event, self._yaml.SequenceStartEvent):
            return self._sequence(path, depth)
        return self._scalar(event, path)

    def _mapping(self, path: str, depth: int) -> dict[str, Any]:
        entries: dict[str, Any] = {}
        while not isinstance(event := self._next(), self._yaml.MappingEndEvent):
            self._refuse_references(event, path)
            key = self._key(event, path)
            below = f"{path}.{key}" if path else key
            if key in entries:
                got = f"the key twice (first in line {self.lines[below]})"
                raise _refusal(below, got, "it once", event)
            self.lines[below] = event.start_mark.line + 1
            entries[key] = self._value(self._next(), below, depth + 1)
        return entries

    def _key(self, event: Any, path: str) -> str:
        if not isinstance(event, self._yaml.ScalarEvent):
            raise _refusal(path, "a list or section as a key", "a name", event)
        key = self._scalar(event, path)
        if not 0 < len(key) <= MAX_TEXT or not key.isprintable():
            raise _refusal(path, f"the key {show(str(key))}", "a name", event)
        return str(key)

    def _sequence(self, path: str, depth: int) -> list[Any]:
        items: list[Any] = []
        while not isinstance(event := self._next(), self._yaml.SequenceEndEvent):
            below = f"{path}[{len(items)}]"
            self.lines[below] = event.start_mark.line + 1
            items.append(self._value(event, below, depth + 1))
        return items

    def _scalar(self, event: Any, path: str) -> str:
        if event.style in ("|", ">") or event.start_mark.line != event.end_mark.line:
            expected = "one line, and the keys of a section indented alike"
            raise _refusal(path, "a text over several lines", expected, event)
        return str(event.value) if event.style else Plain(event.value)

    def _refuse_references(self, event: Any, path: str) -> None:
        if isinstance(event, self._yaml.AliasEvent) or event.anchor is not None:
            expected = "the value itself, or quotes around a text that starts with & or *"
            raise _refusal(path, "an anchor or alias (&name, *name)", expected, event)
        if event.tag is not None:
            expected = "no tag, or quotes around a text that starts with !"
            raise _refusal(path, "a tag (!name)", expected, event)


def _refusal(path: str, got: str, expected: str, event: Any) -> Problem:
    return Problem(path, got, expected, line=event.start_mark.line + 1)
