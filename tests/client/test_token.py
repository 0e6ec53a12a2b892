"""Which token a client takes of what the daemon is given."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertlib.errors import ConfigError
from runners.client import first_token
from runners.live.websocket.auth import Authenticator, parse_tokens

NAMES = st.from_regex(r"[A-Za-z0-9._@-]{1,8}", fullmatch=True)
TOKENS = st.from_regex(r"[!-+\--~]{1,12}", fullmatch=True)


@given(st.lists(st.tuples(NAMES, TOKENS), min_size=1, unique_by=lambda one: one[1]))
def test_the_first_token_is_its_owners_to_the_server(entries: list[tuple[str, str]]) -> None:
    """Of a token with a colon the client sent what follows the last one, and got a 401."""
    text = ", ".join(f"{name}:{token}" for name, token in entries)
    identity = Authenticator(parse_tokens(text)).identify(first_token(text), 0.0)
    assert identity is not None
    assert identity.name == entries[0][0]


@given(TOKENS.filter(lambda token: ":" not in token))
def test_a_bare_token_is_a_clients(token: str) -> None:
    identity = Authenticator(parse_tokens(token)).identify(first_token(token), 0.0)
    assert identity is not None
    assert identity.name == "client"


@pytest.mark.parametrize(
    ("text", "token"),
    [("a:b:c", "b:c"), ("desk:NEW,desk:OLD", "NEW"), (" bare ", "bare"), ("desk:T", "T")],
)
def test_hand_worked(text: str, token: str) -> None:
    assert first_token(text) == token


@pytest.mark.parametrize("text", ["", " ", "desk:", ",desk:T"])
def test_no_token_names_the_variable(text: str) -> None:
    with pytest.raises(ConfigError, match=r"^\$MINE: got nothing, expected a token"):
        first_token(text, "$MINE")
