"""One JSON object per log line, without secrets and without tracebacks."""

from __future__ import annotations

import json
import logging
import re

from alertlib.market.clock import utc_stamp

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_SECRETS = re.compile(
    r"""(?ix)
    (?P<kept>
        \b bearer [\s.]+                              # in a header, as a subprotocol
      | \b (?: [a-z0-9_]* _ )? (?: token | password | secret | authorization | jwt ) ["']?
        \s* [:=] \s* ["']? (?: (?: bearer | basic ) \s+ )?
    )
    (?! bearer \b ) [^\s"'&,;}]+
    """
)


class JsonLines(logging.Formatter):
    """Formats a record as ``{"ts","level","logger","message",…extras}``.

    An exception becomes ``"error": "Type: message"``: a line can be counted, searched and
    alarmed on, a traceback cannot. ``--debug`` is what shows tracebacks.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, with whatever looks like a secret replaced by ``***``."""
        fields: dict[str, object] = {
            "ts": utc_stamp(record.created),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": redact(record.getMessage()),
        }
        for name, value in vars(record).items():
            if name not in _STANDARD:
                fields[name] = redact(value) if isinstance(value, str) else value
        if record.exc_info and record.exc_info[1] is not None:
            error = record.exc_info[1]
            fields["error"] = redact(f"{type(error).__name__}: {error}")
        return json.dumps(fields, ensure_ascii=False, default=lambda value: redact(str(value)))


def redact(text: str) -> str:
    """Replace what stands where a token or password stands."""
    return _SECRETS.sub(lambda match: f"{match['kept']}***", text)


def quiet_websockets() -> logging.Logger:
    """Return the logger to give ``websockets``: warnings only, whatever the root says.

    At DEBUG it would print the Authorization header, at INFO a line per connection, which we
    write ourselves with more in it.
    """
    logger = logging.getLogger("alertas.websockets")
    logger.setLevel(logging.WARNING)
    return logger


def log_to_stderr(*, debug: bool = False) -> None:
    """Have every logger write JSON lines to stderr.

    A full disk or a closed pipe behind stderr loses lines, never an alert.
    """
    logging.raiseExceptions = False
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=logging.DEBUG if debug else logging.INFO, handlers=[handler])
    for noisy in ("asyncio", "aiosmtplib"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
