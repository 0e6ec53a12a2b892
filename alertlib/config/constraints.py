"""What has to hold between settings, each of which is acceptable by itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date

from alertlib.config.convert import hints_of, is_section
from alertlib.config.problem import Problem, nearest
from alertlib.config.schema import (
    Data,
    Detection,
    Email,
    Policy,
    Scoring,
    Settings,
    Telegram,
    WebSocket,
)
from alertlib.config.types import is_loopback

# The detectors with a section of their own, in the order of the schema.
BUILT_IN = tuple(name for name, kind in hints_of(Detection).items() if is_section(kind))


def check(settings: Settings) -> None:
    """Raise the first :class:`Problem` between two settings, if there is one."""
    for problem in (
        *_data(settings.data),
        *_detection(settings.detection),
        *_policy(settings.policy),
        *_scoring(settings.scoring),
        *_websocket(settings.delivery.websocket),
        *_email(settings.delivery.email),
        *_repeated("delivery.webhook", [one.name for one in settings.delivery.webhook], ".name"),
        *_telegram(settings.delivery.telegram),
    ):
        raise problem


def _data(data: Data) -> Iterator[Problem]:
    path = "data.symbols"
    yield from _repeated(path, [spec.symbol for spec in data.symbols], ".symbol")
    for at, spec in enumerate(data.symbols):
        here = f"{path}[{at}]"
        if not spec.timeframes:
            yield Problem(f"{here}.timeframes", "an empty list", "at least one timeframe")
        yield from _repeated(f"{here}.timeframes", spec.timeframes)
        opens, closes = f"{here}.session_open", f"{here}.session_close"
        if (spec.session_open is None) != (spec.session_close is None):
            alone, missing = (closes, opens) if spec.session_open is None else (opens, closes)
            yield Problem(
                missing, "nothing", "a time of day, as the other one is given", also=[alone]
            )
        elif spec.session_open and spec.session_close and spec.session_open >= spec.session_close:
            expected = f"a time before session_close, {spec.session_close}"
            yield Problem(opens, spec.session_open, expected, also=[closes])
        for number, one in enumerate(spec.hours):
            if one.open >= one.close:
                expected = f"a time before close, {one.close}"
                yield Problem(f"{here}.hours[{number}].open", one.open, expected)
        yield from _dated(f"{here}.hours", [one.since for one in spec.hours])
        yield from _dated(f"{here}.fees", [one.since for one in spec.fees])


def _dated(path: str, days: Sequence[str]) -> Iterator[Problem]:
    """Days of the calendar, each once, in order."""
    for at, day in enumerate(days):
        try:
            date.fromisoformat(day)
        except ValueError:
            yield Problem(f"{path}[{at}].since", day, "a day of the calendar")
        if at and day <= days[at - 1]:
            yield Problem(f"{path}[{at}].since", day, f"a day after {days[at - 1]}, in order")


def _detection(detection: Detection) -> Iterator[Problem]:
    yield from _repeated("detection.enabled", detection.enabled)
    for at, name in enumerate(detection.enabled):
        # Another name may be that of a detector registered by the running program; only what can
        # hardly be anything but a slip of the pen is refused here, with its line.
        meant = _slip_of(name)
        if meant is not None:
            expected = f"{', '.join(BUILT_IN)} or package.module:name; did you mean {meant}?"
            yield Problem(f"detection.enabled[{at}]", name, expected)
    for name in detection.custom:
        if name in BUILT_IN:
            expected = f"a detector of your own; parameters of {name} belong in detection.{name}"
            yield Problem(f"detection.custom.{name}", "a built-in detector", expected)
    divergence = detection.rsi_divergence
    if divergence.min_bars > divergence.max_bars:
        path = "detection.rsi_divergence"
        expected = f"at most max_bars, {divergence.max_bars}"
        yield Problem(
            f"{path}.min_bars", str(divergence.min_bars), expected, also=[f"{path}.max_bars"]
        )


def _slip_of(name: str) -> str | None:
    if ":" in name or name in BUILT_IN or name.startswith(BUILT_IN):
        return None
    return nearest(name, BUILT_IN, cutoff=0.85)


def _policy(policy: Policy) -> Iterator[Problem]:
    if policy.window_start >= policy.window_end:
        expected = f"a time before window_end, {policy.window_end}"
        yield Problem(
            "policy.window_start", policy.window_start, expected, also=["policy.window_end"]
        )


def _scoring(scoring: Scoring) -> Iterator[Problem]:
    if scoring.labels == "file" and scoring.labels_file is None:
        expected = "the path of a labels file, as scoring.labels is 'file'"
        yield Problem("scoring.labels_file", "null", expected, also=["scoring.labels"])


def _websocket(websocket: WebSocket) -> Iterator[Problem]:
    path = "delivery.websocket"
    files = {"certificate_file": websocket.certificate_file, "key_file": websocket.key_file}
    given = [f"{path}.{name}" for name, file in files.items() if file is not None]
    if websocket.url.startswith("wss:"):
        for name, file in files.items():
            if file is None:
                expected = "a PEM file, as url is wss://…; behind a TLS proxy url is ws://…"
                yield Problem(f"{path}.{name}", "null", expected, also=[f"{path}.url"])
    elif given:
        expected = "wss://…, as a certificate or a key is given"
        yield Problem(f"{path}.url", websocket.url, expected, also=given)
    yield from _repeated(f"{path}.origins", websocket.origins)
    yield from _repeated(f"{path}.trusted_proxies", websocket.trusted_proxies)


def _email(email: Email) -> Iterator[Problem]:
    path = "delivery.email"
    if email.security.name == "none" and not is_loopback(email.smtp_host):
        expected = f"starttls or tls, as {email.smtp_host} is not this machine"
        yield Problem(f"{path}.security", "none", expected, also=[f"{path}.smtp_host"])
    if email.enabled and not email.recipients:
        expected = "at least one address, or delivery.email.enabled: false"
        yield Problem(f"{path}.recipients", "an empty list", expected, also=[f"{path}.enabled"])
    yield from _repeated(f"{path}.recipients", [address.lower() for address in email.recipients])


def _telegram(telegram: Telegram) -> Iterator[Problem]:
    path = "delivery.telegram"
    if telegram.enabled and not telegram.chat_ids:
        expected = "at least one chat, or delivery.telegram.enabled: false"
        yield Problem(f"{path}.chat_ids", "an empty list", expected, also=[f"{path}.enabled"])
    yield from _repeated(f"{path}.chat_ids", [str(chat) for chat in telegram.chat_ids])


def _repeated(path: str, items: Sequence[str], below: str = "") -> Iterable[Problem]:
    for at, item in enumerate(items):
        if item in items[:at]:
            yield Problem(f"{path}[{at}]{below}", f"{item} twice", "each one once")
