"""Letters as messages: a subject, a plain text and an HTML part that say the same."""

from __future__ import annotations

from collections.abc import Mapping
from email.header import Header
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from alertlib.config.schema import Email
from alertlib.config.types import wire_address
from alertlib.texts.contracts import FindContract
from alertlib.texts.track_record import Record
from runners.live.delivery.policy import Letter
from runners.live.mail.letters import Letters

LINE_LIMIT = 76
"""RFC 2047, section 2, of a line that has an encoded word."""


class Renderer(Letters):
    """Turns letters into bytes; parameters are those of :class:`Letters`."""

    def __init__(
        self,
        settings: Email,
        find_contract: FindContract,
        records: Mapping[str, Record] | None = None,
    ) -> None:
        super().__init__(settings, find_contract, records)
        self._from = Address(
            settings.sender_name or self.words["sender_name"],
            addr_spec=wire_address(settings.sender),
        )

    def message(self, letter: Letter, now: float) -> bytes:
        """Return the message as it goes over the wire, ASCII only.

        The same letter gives the same bytes on every attempt, but for what of a digest has
        expired meanwhile.

        Raises
        ------
        ValueError, KeyError
            The payload is not what it says it is.
        """
        template, view = self.prepared(letter, now)
        message = EmailMessage(policy=SMTP)
        message["From"] = self._from
        message["To"] = wire_address(letter.recipient)
        _set_text(message, "Subject", view["subject"])
        message["Date"] = format_datetime(view["date"])
        message["Message-ID"] = letter.message_id
        for name, value in view["headers"].items():
            _set_text(message, name, value)
        message["Auto-Submitted"] = "auto-generated"
        message["X-Auto-Response-Suppress"] = "All"
        message["X-Alertas-Kind"] = letter.kind
        # Quoted-printable, so that no server needs to know 8BITMIME.
        environment = self.load()
        for subtype, ending in (("plain", "txt"), ("html", "html")):
            body = environment.get_template(f"{template}.{ending}.j2").render(view)
            add = message.set_content if subtype == "plain" else message.add_alternative
            add(body, subtype=subtype, cte="quoted-printable")
        # After the parts: adding one moves the headers called Content-… into it.
        message["Content-Language"] = self.language
        message.set_boundary(f"alertas-{letter.message_id.strip('<>').partition('@')[0]}")
        return message.as_bytes()


def _set_text(message: EmailMessage, name: str, text: str) -> None:
    """Set a header of plain text.

    Where only some words of a long one have accents, ``EmailMessage`` folds it so that blanks
    between them move; encoded as a whole it is read as it was written.
    """
    if text.isascii():
        message[name] = text
    else:
        encoded = Header(text, "utf-8", header_name=name, maxlinelen=LINE_LIMIT)
        message.set_raw(name, encoded.encode(linesep="\r\n"))
