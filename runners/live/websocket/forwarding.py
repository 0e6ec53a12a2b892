"""Who a client behind a proxy is, and whether a request came through one."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

from websockets.datastructures import Headers

MAX_HOPS = 16
"""Addresses looked at, from the nearest on."""

_FOR = re.compile(r'(?:^|[;\s])for\s*=\s*"?([^";]+)"?', re.IGNORECASE)
_PORT = re.compile(r"(\[.*\]|[^:]*)(:\d+)?")
_MARKS = re.compile(
    r"(?i)forwarded|via|x-forwarded-.*|x-real-ip|true-client-ip|cf-.*|x-client-ip|x-envoy-.*"
)


class Proxies:
    """The proxies that are believed.

    Parameters
    ----------
    blocks : iterable of str
        IP addresses, and blocks of them.
    """

    def __init__(self, blocks: Iterable[str] = ()) -> None:
        self._blocks: tuple[IPv4Network | IPv6Network, ...] = tuple(
            ipaddress.ip_network(block) for block in blocks
        )

    def __contains__(self, address: str) -> bool:
        parsed = _parse(address)
        return parsed is not None and any(parsed in block for block in self._blocks)

    def client(self, address: str, headers: Headers) -> str:
        """Return the address of whoever sent a request that came from ``address``.

        Read from the near end of ``X-Forwarded-For``, or of ``Forwarded`` where there is none:
        each trusted proxy vouches for the one before it, and whoever is not trusted may have
        written the rest. A proxy that hides whom it forwards stands for them itself.
        """
        if address not in self:
            return address
        for hop in list(reversed(_hops(headers)))[:MAX_HOPS]:
            parsed = _parse(hop)
            if parsed is None:
                break
            address = str(parsed)
            if address not in self:
                break
        return address


def is_forwarded(headers: Headers) -> bool:
    """Whether a request bears a mark of a proxy.

    Not every proxy leaves one. ``Connection: upgrade`` on a request that upgrades nothing is what
    the usual configuration of nginx for WebSockets does to all others.
    """
    if any(_MARKS.fullmatch(name) for name in headers):
        return True
    connection = ",".join(headers.get_all("Connection")).lower()
    return "upgrade" in connection and "Upgrade" not in headers


def _hops(headers: Headers) -> Sequence[str]:
    """Addresses in the order of travel.

    Nearly every proxy appends to ``X-Forwarded-For`` and passes a client's own ``Forwarded`` on
    as it came: that one counts only where the other is missing.
    """
    listed = headers.get_all("X-Forwarded-For")
    if listed:
        return [hop.strip() for hop in ",".join(listed).split(",")]
    elements = ",".join(headers.get_all("Forwarded")).split(",")
    found = [_FOR.search(element) for element in elements if element.strip()]
    return ["" if match is None else match[1].strip() for match in found]


def _parse(text: str) -> IPv4Address | IPv6Address | None:
    match = None if text.count(":") > 1 and "[" not in text else _PORT.fullmatch(text)
    bare = (match[1] if match else text).strip("[]").partition("%")[0]
    try:
        address = ipaddress.ip_address(bare)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
