"""One wrong setting: where, what was found, what was expected."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from alertlib.config.secrets import without_secrets
from alertlib.errors import ConfigError

_LONGEST_VALUE = 60


class Plain(str):
    """A text whose meaning depends on the type of its key.

    What stands without quotes in a file, or is given as text on a command line, becomes a
    number, a switch, a name or a text only when its key is known.
    """

    __slots__ = ()


class Problem(ConfigError):
    """A :class:`ConfigError` that knows its key, so that a file's reader can add the line.

    Parameters
    ----------
    path : str
        Dotted key, such as ``detection.volatility.window``; empty for the whole.
    got, expected : str
        The two halves of the message.
    line : int, optional
        Line of the file, where the reader of the file raises it itself.
    also : sequence of str
        Other keys that take part. The line shown is that of the first key the file states.
    """

    def __init__(
        self,
        path: str,
        got: str,
        expected: str,
        *,
        line: int | None = None,
        also: Iterable[str] = (),
    ) -> None:
        self.path = path
        self.line = line
        self.also = tuple(also)
        self.halves = (got, expected)
        self.detail = f"{path}: " * bool(path) + f"got {got}, expected {expected}"
        super().__init__(self.detail)

    def __reduce__(self) -> tuple[type[ConfigError], tuple[str]]:
        """Let a worker process hand the error back: the message is what counts there."""
        return ConfigError, (self.detail,)

    def within(self, file: str, lines: Mapping[str, int]) -> ConfigError:
        """Return the same error located in ``file``, given the line of each key it states."""
        line = self.line
        if line is None:
            stated = [path for path in (self.path, *self.also) if path in lines]
            line = lines[stated[0]] if stated else _nearest_line(self.path, lines)
        return ConfigError(f"{file}:{line}: {self.detail}")


def _nearest_line(path: str, lines: Mapping[str, int]) -> int:
    """Line of the innermost section around ``path`` that is in the file, else 1."""
    around = [key for key in lines if path.startswith((f"{key}.", f"{key}["))]
    return lines[max(around, key=len)] if around else 1


def show(value: object) -> str:
    """Return ``value`` as a message quotes it: short, on one line, sections and lists named."""
    if isinstance(value, Plain):
        return _short(str(value)) if value else "nothing"
    if isinstance(value, str):
        return _short(f'"{value}"')
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, Mapping):
        return "a section" if value else "an empty section"
    if isinstance(value, (list, tuple)) and not hasattr(value, "_fields"):
        return "a list" if value else "an empty list"
    if isinstance(value, (int, float)):
        return _number(value)
    return f"a value of type {type(value).__name__}"


def _number(value: float) -> str:
    try:
        return _short(repr(value))
    except ValueError:  # an integer beyond the interpreter's limit of digits
        return "a number of thousands of digits"


def _short(text: str) -> str:
    printable = text
    if not text.isprintable():
        printable = text.encode("unicode_escape").decode() + " with control characters"
    printable = without_secrets(printable)
    if len(printable) <= _LONGEST_VALUE:
        return printable
    return f"{printable[:_LONGEST_VALUE]}… ({len(text)} characters)"


def nearest(word: str, known: Iterable[str], cutoff: float = 0.6) -> str | None:
    """Return the entry of ``known`` that ``word`` most probably was meant to be."""
    from difflib import get_close_matches

    return next(
        iter(get_close_matches(word[:_LONGEST_VALUE], list(known), n=1, cutoff=cutoff)), None
    )
