"""The file as people write it: what each text means under the type of its key."""

from __future__ import annotations

import json
import re

import pytest

from alertlib.config import Config
from alertlib.errors import ConfigError
from tests.support.config_files import Load, load, refusal

__all__ = ["load"]


class TestTextsMeanWhatTheirKeySays:
    @pytest.mark.parametrize("clock", ["09:05", '"09:05"', "'09:05'", "10:00", "00:00"])
    def test_a_time_of_day_is_no_number(self, load: Load, clock: str) -> None:
        config = load(f"policy: {{window_start: {clock}}}")
        assert config.policy.window_start == clock.strip("\"'")

    @pytest.mark.parametrize(
        "text", ["no", "on", "1e3", "017", "0x1F", "1_000", "2024-01-01", "~x"]
    )
    def test_a_text_stays_the_text_it_is(self, load: Load, text: str) -> None:
        assert load(f"data: {{source: {text}}}").data.source == text

    @pytest.mark.parametrize("text", ["null", "~", "null  # a comment"])
    def test_null_has_two_spellings(self, load: Load, text: str) -> None:
        assert load(f"data:\n  source: {text}\n").data.source is None

    @pytest.mark.parametrize(
        ("key", "expected"),
        [
            ("data.source", "a path or null"),
            ("scoring.labels_file", "a path or null"),
            ("trade.fees_points", "a number of at least 0 or null"),
            ("detection.custom.mine.size", "a number, true, false, null, a text"),
        ],
    )
    def test_nothing_is_not_null(self, load: Load, key: str, expected: str) -> None:
        """`source:` with nothing behind it scored the synthetic sample, and passed."""
        *sections, last = key.split(".")
        text = "".join(f"{'  ' * i}{name}:\n" for i, name in enumerate(sections))
        message = refusal(load, f"{text}{'  ' * len(sections)}{last}:  # forgotten\n")
        assert f"{key}: got nothing, expected {expected}" in message
        with pytest.raises(ConfigError, match=rf"^{key}: got nothing, expected {expected}"):
            Config().set(key, "")

    def test_a_quoted_null_is_a_text(self, load: Load) -> None:
        assert load("data: {source: 'null'}").data.source == "null"

    @pytest.mark.parametrize(
        ("text", "number"), [("2", 2.0), ("2.50", 2.5), ("1e1", 10.0), ("25E-1", 2.5)]
    )
    def test_a_number_may_be_whole_decimal_or_scientific(
        self, load: Load, text: str, number: float
    ) -> None:
        found = load(f"detection: {{volatility: {{threshold_sigma: {text}}}}}")
        assert found.detection.volatility.threshold_sigma == number
        assert isinstance(found.detection.volatility.threshold_sigma, float)

    @pytest.mark.parametrize(
        "text",
        [
            "1e1",
            "10.0",
            "010",
            "0o17",
            "0x1F",
            "0b11",
            "1_0",
            "+10",
            '"10"',
            "٣",
            "1:30",
            "",
            "yes",
        ],
    )
    def test_a_whole_number_has_one_spelling(self, load: Load, text: str) -> None:
        shown = text.replace('"', "'") if text.startswith('"') else text
        message = refusal(load, f"detection:\n  volatility:\n    window: {text}\n")
        assert message.startswith("3: detection.volatility.window: got ")
        assert message.endswith("expected a whole number from 2 to 10000")
        assert (shown.strip("'") or "nothing") in message

    @pytest.mark.parametrize("text", [".nan", "nan", ".inf", "1e999", "1.", ".5", "1,5", "0x1p3"])
    def test_a_number_is_finite_and_plainly_written(self, load: Load, text: str) -> None:
        message = refusal(load, f"trade:\n  stop_atr: {text}\n")
        assert (
            message == f"2: trade.stop_atr: got {text}, expected a number above 0 and at most 100"
        )

    @pytest.mark.parametrize("text", ["yes", "on", "True", "TRUE", "1", '"true"', "null", ""])
    def test_a_switch_is_true_or_false(self, load: Load, text: str) -> None:
        message = refusal(load, f"trade:\n  touch: {text}\n")
        assert message.startswith("2: trade.touch: got ")
        assert message.endswith("expected true or false")

    def test_names_are_case_sensitive(self, load: Load) -> None:
        message = refusal(load, "policy: {min_severity: medio}")
        assert message.endswith("got medio, expected one of CRITICO, ALTO, MEDIO")

    def test_the_customers_spelling(self, load: Load) -> None:
        config = load("detection: {enabled: [volatilidade], volatilidade: {threshold_sigma: 3}}")
        assert config.detection.volatility.threshold_sigma == 3.0
        assert config.detection.volatilidade is config.detection.volatility
        assert config.detection.enabled == ("volatility",)

    def test_both_spellings_at_once_are_one_key_twice(self, load: Load) -> None:
        text = "detection:\n  volatility: {}\n  volatilidade: {}\n"
        assert refusal(load, text).startswith("3: detection.volatilidade: got the key twice")


class TestLayout:
    @pytest.mark.parametrize(
        "text",
        [
            "",
            "# only a comment\n",
            "---\n",
            "{}",
            "policy:\n# cooldown_bars: 3\n",
            "detection:\n  custom:\n",
            "---\n...\n",
        ],
    )
    def test_nothing_stated_means_the_defaults(self, load: Load, text: str) -> None:
        assert load(text) == Config()

    def test_line_ends_and_a_byte_order_mark_of_windows(self, load: Load) -> None:
        text = "\ufeff# ação\r\npolicy:\r\n  cooldown_bars: 3\r\n"
        assert load(text).policy.cooldown_bars == 3
        wrong = text.replace("3", "x")
        assert refusal(load, wrong).startswith("3: policy.cooldown_bars: got x,")
        assert refusal(load, wrong.replace("\r\n", "\r")).startswith("3: policy.cooldown_bars")

    def test_json_is_accepted(self, load: Load) -> None:
        assert load('{"policy": {"cooldown_bars": 3}}').policy.cooldown_bars == 3

    def test_a_list_may_run_over_lines_with_comments_between(self, load: Load) -> None:
        text = "  enabled: [\n    volatility,\n    # not today: engulfing,\n    breakout ]\n"
        assert load("detection:\n" + text).detection.enabled == ("volatility", "breakout")

    def test_a_comment_may_contain_a_tab(self, load: Load) -> None:
        assert load("policy: {}\n  #\tcooldown_bars: 3\n") == Config()

    @pytest.mark.parametrize(
        "comment", [" # a\x85@", " # a\u2028x: 1", "# a\x00", "# \ufeff", "\t# a"]
    )
    def test_a_comment_that_yaml_sees_end_early_is_refused(self, load: Load, comment: str) -> None:
        """Found by comparing random documents with what PyYAML makes of them."""
        assert "expected printable text, indented with spaces" in refusal(load, comment)

    def test_a_name_may_be_long(self, load: Load) -> None:
        """Found by reading random configurations back: 101 characters were refused in a file."""
        config = Config().set("detection.custom", {"a." * 100 + "b": {"n": 1}})
        assert load(json.dumps(config.to_dict())) == config

    def test_a_number_sign_inside_quotes_is_no_comment(self, load: Load) -> None:
        assert load("data: {source: 'a #1.csv'}").data.source == "a #1.csv"

    def test_symbols_of_the_exchange_need_no_quotes(self, load: Load) -> None:
        config = load("data:\n  symbols:\n  - {symbol: WIN$N}\n  - symbol: WDO$\n    tick: 0.5\n")
        assert [spec.symbol for spec in config.data.symbols] == ["WIN$N", "WDO$"]
        assert config.data.symbols[1].tick == 0.5


class TestAddresses:
    @pytest.mark.parametrize(
        "url",
        [
            "ws://localhost:8765",
            "ws://127.0.0.1:1/",
            "ws://a-b.example:65535/alertas",
            "ws://[::1]:80",
        ],
    )
    def test_a_socket_url(self, load: Load, url: str) -> None:
        assert load(f"delivery: {{websocket: {{url: '{url}'}}}}").delivery.websocket.url == url

    def test_an_encrypted_one_names_its_certificate(self, load: Load) -> None:
        settings = "url: 'wss://desk:1', certificate_file: c.pem, key_file: k.pem"
        found = load(f"delivery: {{websocket: {{{settings}}}}}").delivery.websocket
        assert (found.url, found.certificate_file, found.key_file) == (
            "wss://desk:1", "c.pem", "k.pem"
        )  # fmt: skip

    @pytest.mark.parametrize("block", ["10.0.0.1/8", "300.1.1.1", "proxy.example", "::/129", ""])
    def test_a_proxy_is_an_address(self, load: Load, block: str) -> None:
        message = refusal(load, f"delivery: {{websocket: {{trusted_proxies: ['{block}']}}}}")
        assert "trusted_proxies[0]" in message
        assert "expected an IP address, or a block of them such as 10.1.0.0/16" in message

    @pytest.mark.parametrize(
        "url",
        [
            "http://localhost:8765",
            "ws://localhost",
            "ws://:8765",
            "ws://localhost:0",
            "ws://localhost:65536",
            "ws://localhost:08765",
            "ws://localhost:8765/other",
            "ws://local host:8765",
            "ws://localhost:8765#x",
            "localhost:8765",
        ],
    )
    def test_a_wrong_socket_url(self, load: Load, url: str) -> None:
        message = refusal(load, f"delivery: {{websocket: {{url: '{url}'}}}}")
        assert message.startswith(
            f'1: delivery.websocket.url: got "{url}", expected ws://HOST:PORT'
        )

    @pytest.mark.parametrize("url", ["ws://u:hunter2@h:1", "ws://h:1?token=hunter2"])
    def test_a_secret_in_a_url_is_refused_and_not_repeated(self, load: Load, url: str) -> None:
        message = refusal(load, f"delivery: {{websocket: {{url: '{url}'}}}}")
        assert "without user, password or query" in message
        assert "hunter2" not in message

    @pytest.mark.parametrize(
        "url", ["http://beat.example/hunter2", "https://u:hunter2@h/hunter2", "https://h/a hunter2"]
    )
    def test_the_path_of_a_refused_address_is_not_repeated(self, load: Load, url: str) -> None:
        message = refusal(load, f"live: {{heartbeat_url: '{url}'}}")
        assert "an https:// address" in message
        assert "hunter2" not in message

    @pytest.mark.parametrize("key", ["password_env", "user_env"])
    @pytest.mark.parametrize("value", ["hunter2", "'Hunter 2!'", "smtp_password"])
    def test_a_secret_in_place_of_its_name_is_not_repeated(
        self, load: Load, key: str, value: str
    ) -> None:
        message = refusal(load, f"delivery:\n  email:\n    {key}: {value}\n")
        assert message == (
            f"3: delivery.email.{key}: got a text that is not shown here, expected the name of an "
            "environment variable, in capitals"
        )

    def test_a_secret_under_a_key_of_its_own_is_not_repeated(self, load: Load) -> None:
        message = refusal(load, "delivery:\n  email:\n    password: hunter2\n")
        assert re.search(r"did you mean password_env\?$", message)
        assert "hunter2" not in message

    @pytest.mark.parametrize(
        "address",
        [
            "mesa",
            "mesa@",
            "@example.com",
            "a b@example.com",
            "a@b@c",
            "a@exa mple.com",
            "Mesa <mesa@example.com>",
            "a..b@example.com",
            ".a@example.com",
            "a@example..com",
            "a@-example.com",
            "ação@example.com",
            r"a@b.c\r\nBcc: d@e.f",
            r"a\n@b.c",
            f"mesa@{'ã' * 60}.example",
            "mesa@a\u2024b..example",
        ],
    )
    def test_no_mail_address(self, load: Load, address: str) -> None:
        for key, text in (("sender", f'"{address}"'), ("recipients", f'["{address}"]')):
            message = refusal(load, f"delivery:\n  email:\n    {key}: {text}\n")
            assert message.startswith(f"3: delivery.email.{key}")
            assert message.endswith("mesa@example.com, without accents before the @")

    @pytest.mark.parametrize(
        "address",
        [
            "mesa@localhost",
            "a.b+c@x-y.example.com",
            "o'neil@example.com",
            "1@2.3",
            "mesa@ação.example",
        ],
    )
    def test_a_mail_address(self, load: Load, address: str) -> None:
        email = load(f'delivery: {{email: {{operator: "{address}"}}}}').delivery.email
        assert email.operator == address

    @pytest.mark.parametrize("origin", ["https://a.example/", "ftp://a", "*", "null", "a.example"])
    def test_no_origin(self, load: Load, origin: str) -> None:
        message = refusal(load, f"delivery: {{websocket: {{origins: ['{origin}']}}}}")
        assert message.startswith("1: delivery.websocket.origins[0]: got ")


class TestParametersOfOnesOwnDetectors:
    def test_a_plain_text_has_the_one_type_its_spelling_allows(self, load: Load) -> None:
        config = load(
            "detection:\n  custom:\n    desk.mod:follow:\n"
            "      n: 20\n      share: 0.5\n      big: 1e3\n"
            "      on_close: true\n      nothing: null\n      mode: slow\n      at: 09:30\n"
            "      quoted: '017'\n      day: 2024-01-01\n      levels: [1, 2.5, fast, '1']\n"
        )
        assert config.detection.custom == {
            "desk.mod:follow": {
                "n": 20,
                "share": 0.5,
                "big": 1000.0,
                "on_close": True,
                "nothing": None,
                "mode": "slow",
                "at": "09:30",
                "quoted": "017",
                "day": "2024-01-01",
                "levels": (1, 2.5, "fast", "1"),
            }
        }

    @pytest.mark.parametrize(
        "text",
        [
            "017",
            "0o17",
            "0x1F",
            "1_000",
            "+1",
            ".5",
            "5.",
            "no",
            "Yes",
            "on",
            "True",
            "NULL",
            ".nan",
            "inf",
            "-.INF",
            "1e999",
        ],
    )
    def test_a_spelling_that_could_be_read_two_ways_needs_quotes(
        self, load: Load, text: str
    ) -> None:
        message = refusal(load, f"detection:\n  custom:\n    a.b:c: {{n: {text}}}")
        assert message.startswith(
            f"3: detection.custom.a.b:c.n: got {text}, expected a number, true"
        )
        quoted = load(f"detection:\n  custom:\n    a.b:c: {{n: '{text}'}}")
        assert quoted.detection.custom["a.b:c"]["n"] == text

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("{a b: {n: 1}}", 'got "a b", expected a detector\'s name'),
            ("{a.b:c: {n-1: 1}}", 'got "n-1", expected a parameter\'s name'),
            ("{a.b:c: 3}", "got 3, expected a section"),
            ("{a.b:c: {n: {m: 1}}}", "got a section, expected a number, true"),
            (
                "{a.b:c: {n: [1, no]}}",
                "detection.custom.a.b:c.n[1]: got no, expected a number, true",
            ),
        ],
    )
    def test_their_shape_is_checked(self, load: Load, text: str, message: str) -> None:
        assert message in refusal(load, f"detection: {{custom: {text}}}")
