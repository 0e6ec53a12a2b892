"""A scorecard as annotations of a continuous-integration run."""

# No future import here: its name is this module's function.
from collections.abc import Mapping
from typing import Literal

from alertlib.report import formats, sentences
from alertlib.report.formats import Card

Style = Literal["auto", "github", "none"]

# GitHub shows ten of each level per step.
MAX_PER_LEVEL = 10


def annotation_lines(
    card: Card, style: Style, environ: Mapping[str, str] | None = None
) -> list[str]:
    """Return a scorecard as GitHub workflow commands, one per line to print.

    Parameters
    ----------
    card : dict
        ``Scorecard.to_dict()`` or the parsed JSON file.
    style : {"auto", "github", "none"}
        ``auto`` is ``github`` where ``environ`` says that GitHub runs us, else ``none``.
    environ : mapping, optional
        Environment variables, looked at for ``auto`` only.
    """
    if style == "auto":
        style = "github" if (environ or {}).get("GITHUB_ACTIONS") == "true" else "none"
    if style == "none":
        return []
    verdict, subject = card["verdict"], formats.subject(card)
    title = f"Alert gate {verdict}: {subject}"
    level = "notice" if verdict == "PASS" else "error"
    lines = [_command(level, title, _headline(card))]
    lines += [
        _command("error", title, r) for r in _capped(formats.reasons(card), MAX_PER_LEVEL - 1)
    ]
    lines += [
        _command("warning", f"Alert gate: {subject}", w)
        for w in _capped([*sentences.caveats(card), *formats.warnings(card)], MAX_PER_LEVEL)
    ]
    return lines


def _headline(card: Card) -> str:
    shown = "; ".join(
        f"{formats.name(line['name'])} {formats.shown(line)} "
        f"({formats.limit_text(line)}, chance {formats.percent(line['chance'])})"
        for line in formats.rates(card)
    )
    proof = sentences.proof(card)
    return f"{formats.span(card)}: {shown}" + (f"; {proof}" if proof else "")


def _capped(texts: list[str], most: int) -> list[str]:
    if len(texts) <= most:
        return list(texts)
    return [
        *texts[: most - 1],
        f"and {len(texts) - most + 1} more: " + "; ".join(texts[most - 1 :]),
    ]


def _command(level: str, title: str, message: str) -> str:
    return f"::{level} title={_property(title)}::{_data(message)}"


def _data(value: str) -> str:
    return value.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(value: str) -> str:
    return _data(value).replace(":", "%3A").replace(",", "%2C")
