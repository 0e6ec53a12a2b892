"""Replies of real servers: about us, about the letter, and for how long."""

from __future__ import annotations

import pytest

from runners.live.delivery.channel import BRIEF, LOGIN, QUOTA, Pause, cause
from runners.live.mail.refusals import pause_after


@pytest.mark.parametrize(
    ("stage", "reply", "pause"),
    [
        ("auth", "535 5.7.8 Error: authentication failed", LOGIN),
        ("auth", "534 5.7.9 Application-specific password required", LOGIN),
        ("auth", "550 5.7.30 Basic authentication is not supported", LOGIN),
        ("auth", "535 5.7.0 Too many failed logins, rate limit", LOGIN),
        ("mail", "535 5.7.8 not any more", LOGIN),
        ("auth", "454 4.7.0 Temporary authentication failure", QUOTA),
        ("connect", "421 4.7.0 Error: too many connections", QUOTA),
        ("data", "550 5.4.5 Daily user sending limit exceeded", QUOTA),
        ("rcpt", "421 4.7.28 Our system has detected an unusual rate", QUOTA),
        ("data", "550 5.1.90 you have reached your daily limit for message recipients", QUOTA),
        ("rcpt", "454 Throttling failure: Maximum sending rate exceeded", QUOTA),
        ("data", "554 5.2.0 SubmissionQuotaExceededException", QUOTA),
        ("connect", "554 go away", BRIEF),
        ("mail", "530 5.7.0 Must issue a STARTTLS command first", BRIEF),
        ("rcpt", "550 5.1.1 User unknown", None),
        ("rcpt", "450 4.7.1 Greylisted, try again later", None),
        ("rcpt", "452 4.2.2 Mailbox quota exceeded", None),
        ("rcpt", "552 5.2.2 over quota", None),
        ("rcpt", "554 5.7.1 Relay access denied", None),
        ("data", "550 5.7.1 Message rejected as spam, see rate limits", None),
        ("rcpt", "451 4.3.0 later", None),
    ],
)
def test_how_long_nothing_leaves(stage: str, reply: str, pause: Pause | None) -> None:
    assert pause_after(stage, int(reply[:3]), reply) is pause


def test_a_cause_names_nobody() -> None:
    said = "550 5.1.1 <ana@x.example>: Recipient address rejected"
    assert cause("rcpt", 550, said) == "rcpt 550 5.1.1"
    assert cause("data", None, "connection reset") == "data"
