"""Tokens, JWT, credentials, origins, addresses: no socket, no clock."""

from __future__ import annotations

import base64
import hmac
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertlib.config.types import is_loopback
from alertlib.errors import ConfigError
from runners.live.websocket import jwt
from runners.live.websocket.auth import (
    Authenticator,
    Credentials,
    Identity,
    JwtKey,
    find_credentials,
    own_origins,
    parse_tokens,
    require_safe_bind,
    split_subprotocols,
)
from tests.support.websocket_server import SECRET, encode, make_jwt

NOW = 1_700_000_000.0
CLAIMS: dict[str, Any] = {"sub": "ana", "aud": "alertas", "exp": NOW + 60}


def verify(token: str, now: float = NOW) -> jwt.Claims | None:
    return jwt.verify(token, SECRET, "alertas", now)


class TestStaticTokens:
    def test_names_and_several_tokens_of_one_name(self) -> None:
        known = Authenticator(parse_tokens("mesa:aaa, risco:bbb,mesa:ccc"))
        assert known.identify("aaa", NOW) == Identity("mesa")
        assert known.identify("bbb", NOW) == Identity("risco")
        assert known.identify("ccc", NOW) == Identity("mesa")

    @pytest.mark.parametrize("wrong", ["", "aa", "aaaa", "AAA", "mesa:aaa", " aaa", "aaa\n", "é"])
    def test_nothing_but_the_token_itself(self, wrong: str) -> None:
        assert Authenticator(parse_tokens("mesa:aaa")).identify(wrong, NOW) is None

    def test_one_bare_token(self) -> None:
        assert Authenticator(parse_tokens(" abc= ")).identify("abc=", NOW) == Identity("client")

    def test_a_token_may_contain_colons(self) -> None:
        assert Authenticator(parse_tokens("mesa:a:b")).identify("a:b", NOW) == Identity("mesa")

    def test_tokens_are_not_kept(self) -> None:
        entries = parse_tokens("mesa:correct-horse-battery")
        assert "correct-horse" not in repr((entries, vars(Authenticator(entries))))

    def test_short_tokens_are_reported(self) -> None:
        assert Authenticator(parse_tokens(f"a:short,b:{'x' * 43}")).weak == ("a",)

    @pytest.mark.parametrize(
        ("text", "problem"),
        [
            ("", "WEBSOCKET_TOKEN is empty, expected name:token"),
            ("a:hunter2,hunter3", r"entry 2 of 2 has no name, expected name:token"),
            ("a:hunter2,", r"entry 2 of 2 has no name"),
            ("a b:hunter2", r"entry 1 of 1 has an invalid name"),
            ("a:", r"entry 1 of 1 \(a\) has an invalid token"),
            ("a:hunter 2", r"entry 1 of 1 \(a\) has an invalid token"),
            ("a:hunterç", r"entry 1 of 1 \(a\) has an invalid token"),
            ("a:hunter2,b:hunter2", r"entry 2 of 2 \(b\) repeats the token"),
        ],
    )
    def test_mistakes_name_the_place_and_not_the_value(self, text: str, problem: str) -> None:
        with pytest.raises(ConfigError, match=problem) as caught:
            parse_tokens(text)
        assert "hunter" not in str(caught.value)

    def test_somebody_must_be_able_to_connect(self) -> None:
        with pytest.raises(ConfigError, match="no WebSocket token and no JWT secret"):
            Authenticator(())


class TestJwt:
    def test_a_good_token(self) -> None:
        assert verify(make_jwt(CLAIMS)) == jwt.Claims("ana", NOW + 60)

    def test_the_example_of_rfc_7515(self) -> None:
        # Appendix A.1: independent of our encoder. It has neither `sub` nor `aud`, so a good
        # signature shows in the claims alone being what is missing.
        key = base64.urlsafe_b64decode(
            "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow=="
        )
        signed = (
            "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9."
            "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
        )
        signature = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
        assert encode(hmac.digest(key, signed.encode(), "sha256")) == signature
        assert jwt.verify(f"{signed}.{signature}", key, "alertas", 0.0) is None

    def test_audience_in_a_list(self) -> None:
        assert verify(make_jwt(CLAIMS | {"aud": ["x", "alertas"]})) is not None

    @pytest.mark.parametrize("claim", ["sub", "aud", "exp"])
    def test_required_claims(self, claim: str) -> None:
        assert verify(make_jwt({k: v for k, v in CLAIMS.items() if k != claim})) is None

    @pytest.mark.parametrize(
        "change",
        [
            {"exp": NOW},
            {"exp": NOW - 1},
            {"exp": str(NOW + 60)},
            {"exp": True},
            {"exp": None},
            {"exp": 1e300},
            {"nbf": NOW + 1},
            {"nbf": "0"},
            {"aud": "other"},
            {"aud": ["other"]},
            {"aud": {"alertas": 1}},
            {"sub": ""},
            {"sub": 7},
            {"sub": "a\nb"},
            {"sub": "x" * 129},
        ],
    )
    def test_claims_that_do_not_hold(self, change: dict[str, Any]) -> None:
        assert verify(make_jwt(CLAIMS | change)) is None

    def test_not_before_is_inclusive_and_expiry_exclusive(self) -> None:
        token = make_jwt(CLAIMS | {"nbf": NOW})
        assert verify(token) is not None
        assert verify(token, NOW - 0.001) is None
        assert verify(token, NOW + 59.999) is not None
        assert verify(token, NOW + 60) is None

    @pytest.mark.parametrize(
        "header",
        [
            {"alg": "none"},
            {"alg": "HS512"},
            {"alg": "RS256"},
            {"alg": "hs256"},
            {"typ": "JWT"},
            {"alg": "HS256", "typ": 1},
            {"alg": "HS256", "crit": ["exp"]},
            '{"alg":"none","alg":"HS256"}',
            "[]",
            "{",
        ],
    )
    def test_headers_that_are_not_ours(self, header: dict[str, Any] | str) -> None:
        assert verify(make_jwt(CLAIMS, header)) is None

    def test_repeated_keys_not_a_number_and_deep_nesting_in_the_payload(self) -> None:
        good = json.dumps(CLAIMS)[1:-1]
        for payload in (
            "{" + good + ',"sub":"eve"}',
            "{" + good + ',"x":NaN}',
            "{" + good + ',"x":1e999}',
            "[" * 1_500 + "]" * 1_500,
        ):
            assert verify(make_jwt(payload)) is None

    def test_another_key(self) -> None:
        assert verify(make_jwt(CLAIMS, secret=SECRET + b"x")) is None

    @pytest.mark.parametrize("token", ["", ".", "..", "a.b", "a.b.c.d", "." * 5000, "é.é.é"])
    def test_shapes_that_are_not_tokens(self, token: str) -> None:
        assert verify(token) is None

    def test_the_last_character_has_one_spelling(self) -> None:
        # 32 bytes end in a character of which two bits are unused: four spellings, one value.
        token = make_jwt(CLAIMS)
        alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
        place = alphabet.index(token[-1])
        for spelling in (alphabet[place ^ 1], alphabet[place ^ 2], token[-1] + "="):
            assert verify(token[:-1] + spelling) is None

    @given(st.integers(0, 400), st.integers(1, 255))
    def test_no_changed_byte_survives(self, place: int, change: int) -> None:
        token = bytearray(make_jwt(CLAIMS).encode())
        token[place % len(token)] ^= change
        assert verify(token.decode("latin-1")) is None

    def test_beside_static_tokens(self) -> None:
        both = Authenticator(parse_tokens("mesa:aaa"), JwtKey(SECRET, "alertas"))
        assert both.identify("aaa", NOW) == Identity("mesa")
        assert both.identify(make_jwt(CLAIMS), NOW) == Identity("ana", NOW + 60)
        without = Authenticator(parse_tokens("mesa:aaa"))
        assert without.identify(make_jwt(CLAIMS), NOW) is None


class TestCredentials:
    def test_none(self) -> None:
        assert find_credentials([], ["alertas.v1"], ["epoch", "since"]) == Credentials()

    def test_header_in_any_case_and_subprotocol(self) -> None:
        assert find_credentials(["bEaReR  abc"], [], []) == Credentials(("abc",))
        assert find_credentials([], ["alertas.v1", "bearer.abc"], []) == Credentials(("abc",))

    @pytest.mark.parametrize(
        ("authorization", "subprotocols", "query"),
        [
            (["Bearer a", "Bearer a"], [], []),
            (["Basic YTpi"], [], []),
            (["Bearer"], [], []),
            (["Bearer "], [], []),
            (["Bearer a b"], [], []),
            (["Bearer a, Bearer b"], [], []),
            (["Bearer \xe9"], [], []),
            ([""], [], []),
            ([], ["bearer."], []),
            ([], ["bearer.a", "bearer.b"], []),
            ([], [], ["token"]),
            ([], [], ["Access_Token"]),
            (["Bearer a"], [], ["jwt"]),
        ],
    )
    def test_malformed(
        self, authorization: list[str], subprotocols: list[str], query: list[str]
    ) -> None:
        assert find_credentials(authorization, subprotocols, query).is_malformed

    def test_base64_tokens_fit_into_a_subprotocol(self) -> None:
        offers = split_subprotocols(["alertas.v1, bearer.a+/b=="])
        assert find_credentials([], offers, []) == Credentials(("a+/b==",))


class TestWhere:
    def test_own_origins_come_from_known_addresses_only(self) -> None:
        assert own_origins(["127.0.0.1"], 8765, tls=False) == {
            "http://127.0.0.1:8765",
            "http://localhost:8765",
            "http://[::1]:8765",
        }
        assert own_origins(["Mesa.example"], 443, tls=True) == {
            "https://mesa.example:443",
            "https://mesa.example",
        }

    @pytest.mark.parametrize(
        "host",
        ["localhost", "LOCALHOST.", "127.0.0.1", "127.9.9.9", "::1", "[::1]", "::ffff:127.0.0.1"],
    )
    def test_loopback(self, host: str) -> None:
        assert is_loopback(host)
        require_safe_bind(host, tls=False, allow_remote=False)

    @pytest.mark.parametrize(
        "host",
        ["0.0.0.0", "::", "192.0.2.2", "localhost.evil.example", "fe80::1%eth0", "127.1", ""],
    )
    def test_everything_else_needs_tls_or_consent(self, host: str) -> None:
        with pytest.raises(ConfigError, match=r"reachable from other machines.*--allow-remote"):
            require_safe_bind(host, tls=False, allow_remote=False)
        require_safe_bind(host, tls=True, allow_remote=False)
        require_safe_bind(host, tls=False, allow_remote=True)
