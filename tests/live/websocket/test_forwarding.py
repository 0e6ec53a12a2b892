"""Whom a proxy speaks for, and what it takes to be believed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.datastructures import Headers

from runners.live.websocket.forwarding import Proxies, is_forwarded

values = st.text('for=;,:[]"10.fa x', max_size=40) | st.text(
    st.characters(min_codepoint=32, max_codepoint=126), max_size=40
)
PROXIES = Proxies(["10.0.0.0/8", "127.0.0.1", "2001:db8::1"])


def client(address: str, **headers: str) -> str:
    fields = Headers()
    for name, value in headers.items():
        for each in value.split("|"):
            fields[name.replace("_", "-")] = each
    return PROXIES.client(address, fields)


class TestClient:
    @pytest.mark.parametrize(
        ("listed", "expected"),
        [
            ("192.0.2.1", "192.0.2.1"),
            ("192.0.2.1:5060", "192.0.2.1"),
            ("[2001:db8::9]:443", "2001:db8::9"),
            ("2001:db8::9", "2001:db8::9"),
            ("::ffff:192.0.2.1", "192.0.2.1"),
            ("6.6.6.6, 192.0.2.1", "192.0.2.1"),
            ("6.6.6.6|192.0.2.1", "192.0.2.1"),
            ("192.0.2.1, 10.1.1.1", "192.0.2.1"),
            ("10.2.2.2, 10.1.1.1", "10.2.2.2"),
            ("192.0.2.1, unknown", "10.0.0.1"),
            ("192.0.2.1, nonsense, 10.3.3.3", "10.3.3.3"),
            ("", "10.0.0.1"),
        ],
    )
    def test_the_nearest_that_is_not_trusted(self, listed: str, expected: str) -> None:
        assert client("10.0.0.1", X_Forwarded_For=listed) == expected

    @pytest.mark.parametrize(
        ("listed", "expected"),
        [
            ("for=192.0.2.60;proto=http;by=203.0.113.43", "192.0.2.60"),
            ('For="[2001:db8:cafe::17]:4711"', "2001:db8:cafe::17"),
            ("for=6.6.6.6, for=192.0.2.43", "192.0.2.43"),
            ("by=203.0.113.43; for=192.0.2.1", "192.0.2.1"),
            ("for=_hidden", "10.0.0.1"),
            ("for=192.0.2.1, proto=https", "10.0.0.1"),
        ],
    )
    def test_forwarded(self, listed: str, expected: str) -> None:
        """RFC 7239, examples of section 4 among them."""
        assert client("10.0.0.1", Forwarded=listed) == expected

    def test_a_forwarded_that_a_client_wrote_itself(self) -> None:
        found = client("10.0.0.1", X_Forwarded_For="192.0.2.1", Forwarded="for=6.6.6.6")
        assert found == "192.0.2.1"

    @given(values, values)
    def test_nobody_else_is_believed(self, listed: str, forwarded: str) -> None:
        headers = Headers({"X-Forwarded-For": listed, "Forwarded": forwarded})
        assert PROXIES.client("192.0.2.99", headers) == "192.0.2.99"
        assert Proxies().client("127.0.0.1", headers) == "127.0.0.1"
        PROXIES.client("10.0.0.1", headers)  # whatever it says, it does not raise


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, False),
        ({"Connection": "keep-alive"}, False),
        ({"Connection": "Upgrade", "Upgrade": "websocket"}, False),
        ({"Connection": "upgrade"}, True),
        ({"Via": "1.1 x"}, True),
        ({"forwarded": "for=1.1.1.1"}, True),
        ({"X-Forwarded-Proto": "https"}, True),
        ({"X-Real-IP": "1.1.1.1"}, True),
        ({"CF-Ray": "1"}, True),
    ],
)
def test_marks_of_a_proxy(headers: dict[str, str], expected: bool) -> None:
    assert is_forwarded(Headers(headers)) == expected
