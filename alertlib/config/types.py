"""The kinds of text a setting can be, and the mapping that cannot be changed."""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Annotated, NamedTuple, TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value", covariant=True)


class Pattern(NamedTuple):
    """A text that has to match ``regex`` as a whole; ``meaning`` says so to a person.

    What does not match is left out of messages where ``private``: somebody may have written
    the secret itself where its name belongs.
    """

    regex: str
    meaning: str
    private: bool = False

    def __contains__(self, value: object) -> bool:
        return isinstance(value, str) and bool(re.fullmatch(self.regex, value, re.ASCII))

    def __str__(self) -> str:
        return self.meaning


class UrlPattern(Pattern):
    """The pattern of an address, whose host in brackets, if it has one, is an IPv6 address."""

    __slots__ = ()

    def __contains__(self, value: object) -> bool:
        if not super().__contains__(value):
            return False
        literal = re.search(r"//\[([^\]]*)\]", str(value))
        try:
            return literal is None or bool(ipaddress.IPv6Address(literal[1]))
        except ValueError:
            return False


NAME_RULE = "1-64 letters of any script, digits or _ . : -, in composed form (NFC)"
_NAME_LENGTH = 64


def is_name(text: object) -> bool:
    """Whether ``text`` may name a detector or a pattern, by :data:`NAME_RULE`.

    One rule for declaration, configuration and the live side: what may be declared can also be
    counted, mailed, shown and exported.
    """
    return isinstance(text, str) and len(text) <= _NAME_LENGTH and _spelt(text)


def _spelt(text: str) -> bool:
    return (
        text != ""
        and all(c in "_.:-" or unicodedata.category(c)[0] in "LM" or c.isdecimal() for c in text)
        and unicodedata.is_normalized("NFC", text)
    )


class Reference(NamedTuple):
    """A detector's name, or ``package.module:name`` of one, which may be longer."""

    meaning: str

    def __contains__(self, value: object) -> bool:
        return isinstance(value, str) and _spelt(value) and not value[0].isdecimal()

    def __str__(self) -> str:
        return self.meaning


class Alias(NamedTuple):
    """Another spelling of a name: read as ``name``, never written."""

    spelling: str
    name: str


class FrozenMap(Mapping[Key, Value]):
    """A read-only dictionary that can be hashed, copied and pickled."""

    __slots__ = ("_entries",)

    def __init__(self, entries: Mapping[Key, Value] | None = None) -> None:
        self._entries = dict(entries or {})

    def __getitem__(self, key: Key) -> Value:
        return self._entries[key]

    def __iter__(self) -> Iterator[Key]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def __hash__(self) -> int:
        return hash(frozenset(self._entries.items()))

    def __repr__(self) -> str:
        return repr(self._entries)


Symbol = Annotated[
    str, Pattern(r"[A-Za-z0-9$@#._-]{1,32}", "a symbol of 1-32 letters, digits or $@#._-")
]
ClockTime = Annotated[str, Pattern(r"([01]\d|2[0-3]):[0-5]\d", "a time of day such as 09:05")]
Day = Annotated[
    str,
    Pattern(r"(19|20)\d\d-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])", "a date such as 2021-03-31"),
]
Timeframe = Annotated[
    str,
    Pattern(r"M([1-6]|10|12|15|20|30)|H([1-4]|6|8|12)|D1", "a timeframe: M1 … M30, H1 … H12 or D1"),
]
DetectorName = Annotated[
    str,
    Reference("a detector's name, such as volatility or package.module:name"),
    Alias("volatilidade", "volatility"),
]
ParameterName = Annotated[str, Pattern(r"[A-Za-z][A-Za-z0-9_]*", "a parameter's name")]
FilePath = Annotated[str, Pattern(r"\S(.*\S)?", "a path")]
EnvName = Annotated[
    str, Pattern(r"[A-Z_][A-Z0-9_]*", "the name of an environment variable, in capitals", True)
]
_LABEL = r"[A-Za-z0-9]([A-Za-z0-9_-]{0,61}[A-Za-z0-9])?"
_HOST = rf"{_LABEL}(\.{_LABEL})*"
HostName = Annotated[
    str, Pattern(rf"{_HOST}|[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*", "a host name or an IP address")
]
_PORT = r"([1-9]\d{0,3}|[1-5]\d{4}|6[0-4]\d{3}|65[0-4]\d\d|655[0-2]\d|6553[0-5])"
SocketUrl = Annotated[
    str,
    UrlPattern(
        rf"wss?://({_HOST}|\[[0-9A-Fa-f:.]+\]):{_PORT}(/|/alertas)?",
        "ws://HOST:PORT or wss://HOST:PORT with a port from 1 to 65535 and the path / or "
        "/alertas, without user, password or query",
    ),
]
Origin = Annotated[
    str,
    UrlPattern(
        rf"https?://({_HOST}|\[[0-9A-Fa-f:.]+\])(:{_PORT})?",
        "an origin such as https://desk.example:8443, without a path",
    ),
]
PageUrl = Annotated[
    str,
    UrlPattern(
        rf"https?://({_HOST}|\[[0-9A-Fa-f:.]+\])(:{_PORT})?(/[A-Za-z0-9._~/-]*)?",
        "a page's address such as https://desk.example/alertas, without a query",
    ),
]


class AddressBlock(NamedTuple):
    """An IP address, or a block of them such as 10.0.0.0/8."""

    meaning: str

    def __contains__(self, value: object) -> bool:
        try:
            ipaddress.ip_network(str(value))
        except ValueError:
            return False
        return isinstance(value, str)

    def __str__(self) -> str:
        return self.meaning


Network = Annotated[str, AddressBlock("an IP address, or a block of them such as 10.1.0.0/16")]
_LOCAL = r"(localhost|127(\.\d{1,3}){3}|\[::1\])"
CallUrl = Annotated[
    str,
    UrlPattern(
        rf"(https://({_HOST}|\[[0-9A-Fa-f:.]+\])|http://{_LOCAL})(:{_PORT})?(/[!-\"$-~]*)?",
        "an https:// address, or an http:// one on this machine, without user, password or #",
        True,
    ),
]
ShortName = Annotated[
    str, Pattern(r"[A-Za-z0-9_-]{1,32}", "a name of 1-32 letters without accents, digits, _ or -")
]
_ATEXT = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
# A domain may be written in any script: it travels as xn--…, which every server takes. A local
# part may not, for it could travel only to servers with SMTPUTF8.
_ANY_LABEL = r"[A-Za-z0-9\u00a1-\uffff]([A-Za-z0-9_\u00a1-\uffff-]*[A-Za-z0-9\u00a1-\uffff])?"


class Address(NamedTuple):
    """A mail address; :func:`mail_domain` of its domain has to exist."""

    meaning: str

    def __contains__(self, value: object) -> bool:
        if not isinstance(value, str) or not re.fullmatch(
            rf"{_ATEXT}(\.{_ATEXT})*@{_ANY_LABEL}(\.{_ANY_LABEL})*", value
        ):
            return False
        try:
            return bool(re.fullmatch(_HOST, mail_domain(value), re.ASCII))
        except UnicodeError:
            return False

    def __str__(self) -> str:
        return self.meaning


MailAddress = Annotated[
    str, Address("a mail address such as mesa@example.com, without accents before the @")
]
OneLine = Annotated[str, Pattern(r"[^\x00-\x1f\x7f]{1,64}", "one line of 1-64 characters")]


def mail_domain(address: str) -> str:
    """Return an address's domain as it travels: ``xn--…`` where it has other than ASCII letters.

    Raises
    ------
    UnicodeError
        There is no such domain.
    """
    domain = address.rpartition("@")[2]
    return domain if domain.isascii() else domain.encode("idna").decode()


def wire_address(address: str) -> str:
    """Return an address in ASCII, as SMTP and a message's headers carry it."""
    return f"{address.rpartition('@')[0]}@{mail_domain(address)}"


def minutes(timeframe: str) -> int:
    """Length of a timeframe such as ``M5``, ``H1`` or ``D1`` in minutes."""
    return {"M": 1, "H": 60, "D": 1440}[timeframe[0]] * int(timeframe[1:])


def minute_of_day(clock: str) -> int:
    """``"09:05"`` as minutes since midnight."""
    hour, minute = clock.split(":")
    return 60 * int(hour) + int(minute)


def is_loopback(host: str) -> bool:
    """Whether ``host`` (an address or ``localhost``) is this machine only. Resolves nothing."""
    if host.lower().rstrip(".") == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host.partition("%")[0].strip("[]"))
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback
