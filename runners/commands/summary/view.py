"""The summary in words, ready to be shown on a page or in a terminal."""

from __future__ import annotations

from typing import NamedTuple

from alertlib._version import __version__
from alertlib.texts.words import Language
from runners.commands.summary.account import Account
from runners.commands.summary.details import Row, details
from runners.commands.summary.facts import facts
from runners.commands.summary.figures import Decision, Figure, Light, Part, Reason
from runners.commands.summary.speech import Speech

# Told by shape as well as by colour and word: for the colour-blind, and on black and white paper.
SHAPES = {Light.GREEN: "●", Light.YELLOW: "▲", Light.RED: "■"}


class FigureLine(NamedTuple):
    """A figure beside its limit."""

    shape: str
    light: str
    name: str
    value: str
    bound: str
    source: str


class PartView(NamedTuple):
    """One of the three lights."""

    title: str
    shape: str
    light: str
    word: str
    figures: list[FigureLine]
    more: str
    reasons: list[str]
    commands: list[str]


class View(NamedTuple):
    """Everything that is shown, the most important first."""

    language: Language
    title: str
    verdict: str
    light: str
    why: str
    also: str
    alarms: list[Row]
    parts: list[PartView]
    facts: list[Row]
    details: dict[str, list[Row]]
    labels: dict[str, str]
    made: str

    @property
    def headline(self) -> str:
        """The verdict and its gravest reason: what has to be read if nothing else is."""
        return f"{self.verdict}: {self.why}"


_LABELS = ("also", "run", "details", "date", "name", "role", "signature")
_DECISION_LIGHTS = dict(zip(Decision, Light, strict=True))


def make_view(account: Account, language: Language) -> View:
    """Return an account in the words of a language."""
    speech = Speech(language)
    reasons = [_reason(reason, speech) for reason in account.reasons]
    return View(
        language=language,
        title=speech.word("title"),
        verdict=speech.word(account.decision),
        light=_DECISION_LIGHTS[account.decision],
        why=reasons[0] if reasons else speech.word("signable"),
        also="; ".join(reasons[1:4]) + ("; …" if len(reasons) > 4 else ""),
        alarms=list(_alarms(account, speech)),
        parts=[_part(part, account, speech) for part in account.parts],
        facts=facts(account, speech),
        details=details(account, speech),
        labels={key: speech.word(key) for key in _LABELS},
        made=speech.say("made", at=speech.date(account.at, time=True), version=__version__),
    )


def _part(part: Part, account: Account, speech: Speech) -> PartView:
    more = ", ".join(
        f"{speech.word(figure.name)} {speech.value(figure)} ({speech.bound(figure)}, "
        f"{speech.word(figure.source)})"
        for figure in part.more
    )
    # What a row above shows with its light needs no sentence of its own.
    shown = [figure for figure in part.figures if part.light is not Light.YELLOW]
    return PartView(
        speech.word(part.name),
        SHAPES[part.light],
        part.light,
        speech.word(part.light),
        [_line(figure, speech) for figure in part.figures],
        f"{speech.word('more')}: {more}" if more else "",
        [_reason(one, speech) for one in part.reasons if one.values.get("figure") not in shown],
        _commands(part, account, speech),
    )


def _line(figure: Figure, speech: Speech) -> FigureLine:
    return FigureLine(
        SHAPES[figure.light],
        figure.light,
        speech.word(figure.name),
        speech.value(figure),
        speech.bound(figure),
        speech.word(figure.source),
    )


def _reason(reason: Reason, speech: Speech) -> str:
    return speech.say(reason.key, **reason.values)


def _commands(part: Part, account: Account, speech: Speech) -> list[str]:
    known = [f"do_{reason.key}" for reason in part.reasons if speech.has(f"do_{reason.key}")]
    said = [speech.say(key, database=account.database) for key in known]
    return list(dict.fromkeys(said))


def _alarms(account: Account, speech: Speech) -> list[Row]:
    """Return what must not be taken for the market's."""
    found = []
    for named in account.cards:
        if named.is_synthetic:
            text = speech.say("synthetic_of", path=named.path, verdict=named.card["verdict"])
            found.append(Row(speech.word("synthetic"), text))
    operated = account.operated
    if operated is not None and operated.tally.rehearsed.alerts:
        key = "rehearsal_only" if operated.is_rehearsal else "rehearsal_too"
        text = speech.say(key, n=len(operated.tally.rehearsed.alerts))
        found.append(Row(speech.word("rehearsal"), text))
    return found
