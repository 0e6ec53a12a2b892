"""Who gets in, and what everybody else is answered: decided without a socket."""

from __future__ import annotations

import json
from typing import Any

import pytest
from websockets.datastructures import Headers
from websockets.http11 import Request, Response

from runners.live.telemetry.metrics import Metrics
from runners.live.websocket.admission import Admission, Door, Endpoints
from runners.live.websocket.auth import Authenticator, Identity, JwtKey, own_origins, parse_tokens
from runners.live.websocket.dashboard.page import Page
from runners.live.websocket.limits import Rejections, Roster
from runners.live.websocket.protocol import Resume
from runners.live.websocket.responses import Health
from tests.support.websocket_server import JWT_SECRET, OTHER_TOKEN, TOKEN, TOKENS


class Knocker:
    """A door, and requests to it."""

    def __init__(self, *, max_connections: int = 3, per_name: int = 2, page: bool = True) -> None:
        self.rejections: list[Rejections] = []
        self.metrics = Metrics()
        self.state = Health(is_serving=True)
        self.door = Door(
            Authenticator(parse_tokens(TOKENS), JwtKey(JWT_SECRET, "alertas")),
            {"http://127.0.0.1:8765", "https://Desk.example/"},
            {"/", "/alertas"},
            Roster(max_connections, per_name),
            5.0,
            Endpoints(
                lambda: self.state,
                lambda: {"seq": 7},
                self.metrics,
                Page("<style>a{}</style><script>1</script>", {"http://127.0.0.1:8765"})
                if page
                else None,
            ),
            self.rejections.append,
        )

    def request(
        self,
        path: str,
        *headers: tuple[str, str],
        method: str = "GET",
        address: str = "127.0.0.1",
        now: float = 0.0,
        local: str = "",
    ) -> Response | Admission:
        fields = Headers()
        for name, value in headers:
            fields[name] = value
        self.sent = Request(path, fields, method)
        return self.door.answer(self.sent, address, now, 1_700_000_000.0, local)

    def status(self, path: str, *headers: tuple[str, str], **options: Any) -> int:
        answer = self.request(path, *headers, **options)
        return answer.status_code if isinstance(answer, Response) else 101


UPGRADE = ("Upgrade", "websocket")
BEARER = ("Authorization", f"Bearer {TOKEN}")


class TestDoor:
    def test_three_ways_in(self) -> None:
        knocker = Knocker(max_connections=9)
        assert knocker.request("/alertas", UPGRADE, BEARER) == Admission(
            Identity("mesa"), None, False
        )
        offers = ("Sec-WebSocket-Protocol", f"alertas.v1, bearer.{OTHER_TOKEN}")
        assert knocker.request("/?epoch=E&since=3", UPGRADE, offers) == Admission(
            Identity("risco"), Resume("E", 3), True
        )
        assert knocker.request("/", UPGRADE) == Admission(None, None, False)

    def test_credentials_do_not_outlive_the_handshake(self) -> None:
        knocker = Knocker()
        knocker.request("/", UPGRADE, BEARER, ("Sec-WebSocket-Protocol", f"bearer.{TOKEN}"))
        assert TOKEN not in str(knocker.sent)

    @pytest.mark.parametrize(
        "headers",
        [
            [("Authorization", "Bearer wrong")],
            [("Authorization", "Basic eDp5")],
            [BEARER, BEARER],
            [BEARER, ("authorization", "Bearer wrong")],
            [BEARER, ("Sec-WebSocket-Protocol", "alertas.v1, bearer.wrong")],
            [BEARER, ("Sec-WebSocket-Protocol", f"bearer.{OTHER_TOKEN}")],
            [("Sec-WebSocket-Protocol", "alertas.v1, bearer.")],
        ],
    )
    def test_wrong_or_malformed_credentials(self, headers: list[tuple[str, str]]) -> None:
        answer = Knocker().request("/alertas", UPGRADE, *headers)
        assert isinstance(answer, Response)
        assert (answer.status_code, bytes(answer.body)) == (401, b"Unauthorized\n")
        assert answer.headers["WWW-Authenticate"] == "Bearer"

    def test_a_token_in_the_url_is_refused_even_a_good_one(self) -> None:
        knocker = Knocker()
        assert knocker.status(f"/alertas?token={TOKEN}", UPGRADE) == 401
        assert knocker.status(f"/alertas?access%5Ftoken={TOKEN}", UPGRADE) == 401

    @pytest.mark.parametrize(
        ("origins", "status"),
        [
            ([], 101),
            (["http://127.0.0.1:8765"], 101),
            (["https://desk.example"], 101),
            (["https://evil.example"], 403),
            (["null"], 403),
            ([""], 403),
            (["http://127.0.0.1:8766"], 403),
            (["https://127.0.0.1:8765"], 403),
            (["http://127.0.0.1:8765.evil.example"], 403),
            (["http://127.0.0.1:8765", "https://evil.example"], 403),
        ],
    )
    def test_origins(self, origins: list[str], status: int) -> None:
        headers = [("Origin", origin) for origin in origins]
        assert Knocker().status("/alertas", UPGRADE, BEARER, *headers) == status

    def test_a_page_that_rebinds_its_name_is_foreign(self) -> None:
        name = ("Host", "evil.example:8765"), ("Origin", "http://evil.example:8765")
        assert Knocker().status("/alertas", UPGRADE, BEARER, *name) == 403

    def test_places(self) -> None:
        knocker = Knocker(max_connections=3, per_name=2)
        other = ("Authorization", f"Bearer {OTHER_TOKEN}")
        assert [knocker.status("/", UPGRADE, BEARER) for _ in range(3)] == [101, 101, 503]
        assert [knocker.status("/", UPGRADE, other) for _ in range(2)] == [101, 503]
        assert {each.reason for each in knocker.rejections} == {"token_limit", "full"}
        knocker.door.roster.leave("mesa")
        assert knocker.status("/", UPGRADE, BEARER) == 101

    def test_newcomers_take_the_place_of_one_without_credentials(self) -> None:
        knocker = Knocker(max_connections=1)
        assert knocker.status("/", UPGRADE) == 101
        assert [knocker.status("/", UPGRADE, *more) for more in ((), (BEARER,))] == [503, 503]
        knocker.door.make_room = lambda: True
        assert [knocker.status("/", UPGRADE, *more) for more in ((), (BEARER,))] == [101, 101]

    def test_failures_are_limited_and_good_credentials_are_not(self) -> None:
        knocker = Knocker(max_connections=99, per_name=99)
        wrong = ("Authorization", "Bearer wrong")
        assert [knocker.status("/", UPGRADE, wrong) for _ in range(7)] == [401] * 5 + [429] * 2
        assert knocker.status("/", UPGRADE, BEARER) == 101
        assert knocker.status("/", UPGRADE, wrong, address="192.0.2.9") == 401
        assert knocker.status("/", UPGRADE, wrong, now=1.0) == 401
        assert len(knocker.rejections) == 2
        assert (
            knocker.metrics.value("alertas_websocket_rejected_total", reason="wrong_credentials")
            == 7
        )

    def test_a_neighbour_with_an_old_token_locks_nobody_out(self) -> None:
        """Not the page, which brings its token after the handshake, nor a program that does."""
        knocker = Knocker(max_connections=999)
        page = ("Origin", "https://desk.example")
        wrong = ("Authorization", "Bearer old")
        for _ in range(40):
            knocker.request("/", UPGRADE, wrong)
            assert knocker.status("/", UPGRADE, page) == 101
            assert knocker.status("/", UPGRADE) == 101
        for _ in range(40):
            knocker.door.refusals.failed_later("wrong_first_message", "127.0.0.1", 0.0)
        assert knocker.status("/", UPGRADE, page) == 101
        assert knocker.status("/", UPGRADE) == 429

    def test_pages_from_the_address_they_were_fetched_from(self) -> None:
        knocker = Knocker()
        knocker.door._origins_at = lambda address: own_origins({address}, 8765, tls=False)
        page = ("Origin", "http://192.0.2.7:8765")
        assert knocker.status("/", UPGRADE, page) == 403
        assert knocker.status("/", UPGRADE, page, local="192.0.2.8") == 403
        assert knocker.status("/", UPGRADE, page, local="192.0.2.7") == 101

    def test_a_refused_page_is_told_of_with_the_line_to_set(self) -> None:
        knocker = Knocker()
        told: list[str] = []
        knocker.door.advise = lambda message, details: told.append(message)
        others = [f"http://a{number}" for number in range(20)]
        for origin in ["http://desk-pc:8765"] * 2 + ["http://x y", *others]:
            knocker.status("/", UPGRADE, ("Origin", origin))
        assert told[0].endswith("set delivery.websocket.origins: [http://desk-pc:8765]")
        assert len(told) == 8

    def test_a_proxy_nobody_told_us_of_is_told_of(self) -> None:
        knocker = Knocker()
        told: list[Any] = []
        knocker.door.advise = lambda message, details: told.append((message, details))
        request = Request("/", Headers({"X-Forwarded-For": "192.0.2.1"}))
        assert [knocker.door.client(request, "10.0.0.1") for _ in range(3)] == ["10.0.0.1"] * 3
        ((message, details),) = told
        assert "set delivery.websocket.trusted_proxies" in message
        assert details == {"address": "10.0.0.1"}

    def test_closing(self) -> None:
        knocker = Knocker()
        knocker.door.is_closing = True
        assert knocker.status("/", UPGRADE, BEARER) == 503

    @pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "HEAD", "OPTIONS", "TRACE", "get"])
    def test_other_methods(self, method: str) -> None:
        answer = Knocker().request("/health", method=method)
        assert isinstance(answer, Response)
        assert (answer.status_code, answer.headers["Allow"]) == (405, "GET")
        assert (answer.body == b"") == (method == "HEAD")

    @pytest.mark.parametrize(
        ("path", "status"),
        [
            ("/", 200),
            ("/?x", 200),
            ("/health?x=1", 200),
            ("/alertas", 426),
            ("/x", 404),
            ("//", 404),
            ("/health/", 404),
            ("/../etc/passwd", 404),
            ("*", 404),
            ("http://x/health", 404),
        ],
    )
    def test_paths(self, path: str, status: int) -> None:
        assert Knocker().status(path) == status

    def test_upgrades_elsewhere_and_no_page(self) -> None:
        assert Knocker().status("/x", UPGRADE, BEARER) == 404
        assert Knocker(page=False).status("/") == 404

    def test_two_hosts_and_too_many_query_fields(self) -> None:
        assert Knocker().status("/health", ("Host", "a"), ("Host", "b")) == 400
        assert Knocker().status("/?" + "&".join("abcdefghijklmnopqrst"), UPGRADE) == 400

    def test_health(self) -> None:
        knocker = Knocker()
        knocker.state = Health(False, ("feed: sem barras há 312 s",), {"pid": 4})
        answer = knocker.request("/health")
        assert isinstance(answer, Response)
        assert answer.status_code == 503
        assert json.loads(bytes(answer.body)) == {
            "status": "failing",
            "reasons": ["feed: sem barras há 312 s"],
            "seq": 7,
            "pid": 4,
        }

    @pytest.mark.parametrize(
        ("address", "headers", "status"),
        [
            ("127.0.0.1", [("Host", "127.0.0.1:8765")], 200),
            ("127.0.0.1", [], 200),
            ("::1", [("Host", "[::1]:8765")], 200),
            ("127.0.0.1", [("Host", "evil.example:8765")], 401),
            ("127.0.0.1", [("X-Forwarded-For", "192.0.2.1")], 401),
            ("127.0.0.1", [("Via", "1.1 proxy")], 401),
            ("127.0.0.1", [("Connection", "upgrade")], 401),
            ("127.0.0.1", [("Connection", "close")], 200),
            ("192.0.2.1", [], 401),
            ("192.0.2.1", [("Authorization", "Bearer wrong")], 401),
            ("192.0.2.1", [BEARER], 200),
        ],
    )
    def test_metrics_are_local_or_for_clients(
        self, address: str, headers: list[tuple[str, str]], status: int
    ) -> None:
        assert Knocker().status("/metrics", *headers, address=address) == status

    def test_behind_a_known_proxy_nobody_is_local(self) -> None:
        knocker = Knocker()
        knocker.door._is_proxied = True
        assert knocker.status("/metrics") == 401
        assert knocker.status("/metrics", BEARER) == 200

    def test_the_page_runs_nothing_but_itself(self) -> None:
        answer = Knocker().request("/")
        assert isinstance(answer, Response)
        # echo -n 1 | openssl dgst -sha256 -binary | base64
        assert answer.headers["Content-Security-Policy"] == (
            "default-src 'none'; "
            "script-src 'sha256-a4ayc/80/OGda4BO/1o/V0etpOqiLx1JwB5S3beHW0s='; "
            "style-src 'sha256-X1RutGBrXCt9KkSaXMK7tHftWiRscFHOhxsS8tv8hBk='; "
            "connect-src 'self' ws://127.0.0.1:8765; img-src data:; base-uri 'none'; "
            "form-action 'none'; frame-ancestors 'none'"
        )
