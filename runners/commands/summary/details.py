"""The technical rows, folded away."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from alertlib.scorecard import plan
from alertlib.texts import formats, words
from runners.commands.summary.account import Account
from runners.commands.summary.operation import Operated
from runners.commands.summary.quality import NamedCard
from runners.commands.summary.speech import Speech
from runners.live.audit_log.deliveries import percentile

_SHARES = (0.5, 0.95, 0.99)
_FINDINGS_SHOWN = 20


class Row(NamedTuple):
    """A name and what is said of it; ``mark`` if that is not of the market."""

    name: str
    value: str
    mark: str = ""


def details(account: Account, speech: Speech) -> dict[str, list[Row]]:
    """Return the technical rows by their section."""
    sections = {
        f"{speech.word('card')}: {_file(named, speech)}": list(_card(named, speech))
        for named in account.cards
    }
    if account.operated is not None:
        mark = f" [{speech.word('rehearsal')}]" if account.operated.is_rehearsal else ""
        sections[speech.word("operation") + mark] = list(_operation(account.operated, speech))
    sections[speech.word("audit")] = list(_audit(account, speech))
    if account.changes:
        sections[speech.word("changed")] = [
            Row(
                speech.word(change.name),
                f"{speech.amount(change.name, change.before)} → "
                f"{speech.amount(change.name, change.after)}",
            )
            for change in account.changes
        ]
    return sections


def _file(named: NamedCard, speech: Speech) -> str:
    mark = f" [{speech.word('synthetic')}]" if named.is_synthetic else ""
    return f"{named.path}{mark}"


def _card(named: NamedCard, speech: Speech) -> Iterator[Row]:
    card = named.card
    yield Row(speech.word("card"), f"{card['verdict']}, {plan.standing(card)}")
    for line in plan.rates(card):
        low, high = (_share(line.get(key), speech) for key in ("ci_low", "ci_high"))
        name = speech.word(line["name"])
        value, chance = _share(line["value"], speech), _share(line.get("chance"), speech)
        yield Row(name, speech.say("interval", value=value, low=low, high=high, chance=chance))
    for line in plan.failed_rails(card):
        yield Row(speech.word(line["name"]), speech.amount(line["name"], line["value"]))
    yield Row(speech.word("card_hash"), card["data"]["sha256"])


def _share(value: float | None, speech: Speech) -> str:
    return formats.percent(value, 1, speech.language)


def _operation(operated: Operated, speech: Speech) -> Iterator[Row]:
    tally, found = operated.tally, operated.shown
    ends = " – ".join(speech.date(at, time=True) for at in (tally.first, tally.last))
    yield Row(speech.word("period"), ends)
    patterns = {words.word(k, speech.language): n for k, n in found.patterns.most_common()}
    yield Row(speech.word("patterns"), _counts(patterns, speech))
    yield Row(speech.word("suppressed"), _counts(tally.suppressed, speech))
    yield Row(speech.word("clients"), _counts(tally.clients, speech))
    yield Row(speech.word("actions"), _number(tally.kinds["operator_action"], speech))
    yield Row(speech.word("revised"), _number(tally.kinds["bar_revised"], speech))
    runs = ", ".join(_number(tally.kinds[kind], speech) for kind in ("start", "stop"))
    yield Row(speech.word("runs"), runs)
    yield Row(speech.word("commit_delays"), _delays(found.commit_seconds, speech))
    yield Row(speech.word("mail_delays"), _delays(found.mail_seconds, speech))


def _audit(account: Account, speech: Speech) -> Iterator[Row]:
    report = account.audited.report
    yield Row(speech.word("database"), account.database)
    yield Row(speech.word("events"), _number(report.events, speech))
    for finding in report.findings[:_FINDINGS_SHOWN]:
        yield Row(speech.word("finding"), finding)


def _number(value: int, speech: Speech) -> str:
    return formats.number(value, 0, speech.language)


def _counts(counts: Mapping[str, int], speech: Speech) -> str:
    listed = [f"{speech.word(name)} {_number(n, speech)}" for name, n in counts.items()]
    return ", ".join(listed) or speech.word("none")


def _delays(ordered: list[float], speech: Speech) -> str:
    values = [percentile(ordered, share) for share in _SHARES]
    shown = [
        formats.UNDEFINED if value is None else speech.amount("mail", 1e3 * value)
        for value in values
    ]
    return f"{' / '.join(shown)} ({_number(len(ordered), speech)})"
