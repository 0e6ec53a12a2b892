"""What management asks beside the lights: money, load, failures, losses, proof, change."""

from __future__ import annotations

from runners.commands.summary.account import Account
from runners.commands.summary.details import Row
from runners.commands.summary.measures import Change
from runners.commands.summary.operation import Operated
from runners.commands.summary.speech import Speech

_CHANGES_SHOWN = 6


def facts(account: Account, speech: Speech) -> list[Row]:
    """Return the rows below the lights."""
    operated = account.operated
    mark = speech.word("rehearsal") if operated is not None and operated.is_rehearsal else ""
    return [
        Row(speech.word("decided_by"), _decided(account, speech)),
        Row(speech.word("money"), _money(account, speech)),
        Row(speech.word("per_day"), _per_session(account, speech)),
        Row(speech.word("alerts_per_day"), _per_day(operated, speech), mark),
        Row(speech.word("failed"), _failed(operated, speech), mark),
        Row(speech.word("lost_title"), _lost(operated, speech), mark),
        Row(speech.word("anchor"), _anchor(account, speech)),
        Row(speech.word("changed"), _changed(account, speech)),
    ]


def _missing(speech: Speech) -> str:
    return speech.word("not_measured")


def _decided(account: Account, speech: Speech) -> str:
    if account.deciding is None:
        return _missing(speech)
    data = account.deciding.card["data"]
    assumed = f" ({speech.word('assumed')})" if data.get("symbol_assumed") else ""
    text = speech.say(
        "decided_of",
        path=account.deciding.path,
        symbol=f"{data['symbol']}{assumed}",
        timeframe=data["timeframe"],
        sessions=data["sessions"],
        first=speech.date(data.get("first_session") or data["first"]),
        last=speech.date(data.get("last_session") or data["last"]),
    )
    real = sum(not named.is_synthetic for named in account.cards)
    return f"{text} ({speech.say('worst_of', n=real)})" if real > 1 else text


def _money(account: Account, speech: Speech) -> str:
    money = account.measures.get("expectancy_brl")
    if account.deciding is None or money is None:
        return _missing(speech)
    return speech.say("money_of", money=money, trades=account.deciding.card["counts"].get("trades"))


def _per_session(account: Account, speech: Speech) -> str:
    rate = account.measures.get("alerts_per_session")
    if account.deciding is None or rate is None:
        return _missing(speech)
    card = account.deciding.card
    n, days = card["counts"]["alerts"], card["data"]["sessions"]
    return speech.say("per_day_card", rate=rate, n=n, days=days)


def _per_day(operated: Operated | None, speech: Speech) -> str:
    if operated is None or not operated.shown.days:
        return _missing(speech)
    n, days = len(operated.shown.alerts), len(operated.shown.days)
    return speech.say("per_day_log", rate=n / days, n=n, days=days)


def _failed(operated: Operated | None, speech: Speech) -> str:
    if operated is None or not operated.shown.alerts:
        return _missing(speech)
    counts = {
        "dead": operated.shown.dead_letters,
        "retried": operated.shown.retried,
        "expired": operated.shown.expired,
        "gaps": operated.tally.kinds["feed_gap"],
        "late": operated.shown.late,
        "crashes": operated.tally.crashes,
    }
    said = [
        f"{speech.word(f'failed_{key}')} {speech.amount(key, n)}" for key, n in counts.items() if n
    ]
    return "; ".join(said) or speech.word("nothing_failed")


def _lost(operated: Operated | None, speech: Speech) -> str:
    if operated is None or not operated.shown.alerts:
        return _missing(speech)
    found = operated.shown
    lost = len(found.lost)
    counted = speech.say(
        "counted",
        alerts=len(found.alerts),
        confirmed=len(found.confirmed),
        acknowledged=len(found.alerts & found.acknowledged),
        mailed=len(found.alerts & found.mailed),
        unconfirmed=len(found.unconfirmed),
        lost=lost,
        messages=len(found.messages),
        copies=found.copies,
        dead=found.dead_letters,
        pending=operated.pending,
    )
    verdict = speech.say("some_lost", lost=lost) if lost else speech.word("nothing_lost")
    return f"{verdict} {counted}"


def _anchor(account: Account, speech: Speech) -> str:
    audited = account.audited
    if not audited.report.intact:
        lost = audited.is_same_database and audited.before is not None
        said = speech.say("anchor_lost", before=audited.before) if lost else ""
        return said or speech.say("damaged", n=len(audited.report.findings))
    parts = [str(audited.anchor), speech.word("intact")]
    if audited.is_same_database:
        parts.append(speech.say("anchor_kept", before=str(audited.before)))
    return "; ".join(parts)


def _changed(account: Account, speech: Speech) -> str:
    previous = account.previous
    if previous is None:
        return speech.word("no_previous")
    if previous.is_synthetic:
        return speech.word("previous_synthetic")
    since = speech.say("since", at=speech.date(previous.at))
    if not account.changes:
        both = len(previous.measures.keys() & account.measures.keys())
        return f"{since}: {speech.say('unchanged', n=both)}"
    shown = [_change(change, speech) for change in account.changes[:_CHANGES_SHOWN]]
    dots = ["…"] if len(account.changes) > _CHANGES_SHOWN else []
    return f"{since}: {'; '.join([*shown, *dots])}"


def _change(change: Change, speech: Speech) -> str:
    before, after = (speech.amount(change.name, value) for value in change[1:])
    return f"{speech.word(change.name)} {before} → {after}"
