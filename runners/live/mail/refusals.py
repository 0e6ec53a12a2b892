"""Which replies of a server speak of us rather than of a letter, and how long to leave it alone.

References
----------
RFC 3463 and the IANA registry of enhanced status codes (``x.7.x`` is policy, ``5.4.5`` is used by
Google for a spent daily limit, ``5.1.90`` and ``5.7.23x`` by Exchange Online); RFC 4954 for the
replies to AUTH; Amazon SES says ``454 Throttling failure`` at any command.
"""

from __future__ import annotations

import re

from runners.live.delivery.channel import BRIEF, LOGIN, QUOTA, STATUS, Pause

LETTER_STAGES = ("mail", "rcpt", "data")
_REFUSED_LOGINS = (534, 535, 538)
_LOGIN_WANTED = 530
_SPENT = {"5.4.5", "5.1.90", "5.7.232", "5.7.233"}
_WORDS = re.compile(
    r"throttl|rate.?limit|sending (limit|quota|rate)|daily .*(limit|quota)|submissionquota", re.I
)
_GREYLISTED = re.compile(r"gr[ae]y.?list", re.I)


def pause_after(stage: str, code: int, reply: str) -> Pause | None:
    """Return how long nothing may leave after a reply; None if it is about the letter alone.

    Parameters
    ----------
    stage : str
        The command it answers.
    reply : str
        Code and text, one line.
    """
    if code in _REFUSED_LOGINS or (stage == "auth" and code >= 500):
        return LOGIN
    if _is_limit(code, reply):
        return QUOTA
    if stage not in LETTER_STAGES or code == _LOGIN_WANTED:
        return BRIEF
    return None


def _is_limit(code: int, reply: str) -> bool:
    """Whether the server has had enough of us for now; 5.7.1 is its policy for this letter."""
    found = STATUS.match(reply)
    status = found[1] if found else ""
    if code < 400 or status == "5.7.1" or _GREYLISTED.search(reply):
        return False
    return status in _SPENT or status.startswith("4.7.") or _WORDS.search(reply) is not None
