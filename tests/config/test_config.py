"""The configuration as a value: where it is found, how it is changed, what it is equal to."""

from __future__ import annotations

import copy
import dataclasses
import json
import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from alertlib.config import Config, get_config, load_config
from alertlib.config.schema import Detection, Policy, Security, Trade
from alertlib.errors import ConfigError
from alertlib.kernels.breakout import Levels
from alertlib.kernels.volatility import VolatilityParams

DEFAULTS = Config()


@pytest.fixture(autouse=True)
def _empty_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ALERTAS_CONFIG_PATH", raising=False)


def _write(path: str, text: str) -> Path:
    file = Path(path)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return file


class TestWhichFile:
    def test_the_defaults_are_built_in(self) -> None:
        config = load_config()
        assert config == DEFAULTS
        assert config.source is None
        assert config.detection.volatilidade.threshold_sigma == 2.0
        assert config.delivery.websocket.url == "ws://localhost:8765"

    def test_explicit_beats_environment_beats_current_directory(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        _write("config/alertas.yaml", "policy: {cooldown_bars: 1}")
        assert load_config().policy.cooldown_bars == 1
        monkeypatch.setenv(
            "ALERTAS_CONFIG_PATH", str(_write("env.yaml", "policy: {cooldown_bars: 2}"))
        )
        assert load_config().policy.cooldown_bars == 2
        explicit = _write("given.yaml", "policy: {cooldown_bars: 3}")
        assert load_config(explicit).policy.cooldown_bars == 3
        assert load_config(str(explicit)).source == explicit

    @pytest.mark.parametrize("value", ["", " "])
    def test_an_empty_variable_names_no_file(
        self, monkeypatch: pytest.MonkeyPatch, value: str
    ) -> None:
        """It was taken for none, and the synthetic sample passed in place of one's own bars."""
        monkeypatch.setenv("ALERTAS_CONFIG_PATH", value)
        with pytest.raises(ConfigError, match=r"^\$ALERTAS_CONFIG_PATH: got an empty value"):
            load_config()
        assert load_config(_write("given.yaml", "{}")) == DEFAULTS

    def test_the_file_is_looked_for_upwards(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        file = _write("config/alertas.yaml", "policy: {cooldown_bars: 1}")
        below = tmp_path / "notebooks" / "2026"
        below.mkdir(parents=True)
        monkeypatch.chdir(below)
        assert load_config().source == tmp_path / file
        assert load_config().policy.cooldown_bars == 1
        nearer = _write("../config/alertas.yaml", "policy: {cooldown_bars: 2}")
        assert load_config().source == nearer.resolve()
        assert load_config().policy.cooldown_bars == 2

    def test_a_link_to_nowhere_is_refused_wherever_it_is(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        (tmp_path / "config").mkdir()
        (tmp_path / "config" / "alertas.yaml").symlink_to("nowhere")
        (tmp_path / "below").mkdir()
        monkeypatch.chdir(tmp_path / "below")
        with pytest.raises(ConfigError, match=r"config/alertas\.yaml: got no such file"):
            load_config()

    def test_a_folder_is_no_settings_file(self, tmp_path: Path) -> None:
        """It said: got is a directory."""
        with pytest.raises(
            ConfigError, match=r"got (a directory|permission denied), expected a read"
        ):
            load_config(tmp_path)

    def test_a_missing_file_is_refused_and_its_variable_named(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with pytest.raises(ConfigError, match=r"^no\.yaml: got no such file.*expected a readable"):
            load_config("no.yaml")
        monkeypatch.setenv("ALERTAS_CONFIG_PATH", "no.yaml")
        with pytest.raises(ConfigError, match=r"named by \$ALERTAS_CONFIG_PATH"):
            load_config()

    def test_a_directory_or_an_impossible_path_is_refused(self) -> None:
        with pytest.raises(ConfigError, match=r"expected a readable settings file"):
            load_config(".")
        with pytest.raises(ConfigError, match=r"expected a readable settings file"):
            load_config("a\0b")

    @pytest.mark.skipif(os.name != "posix", reason="symbolic links need rights on Windows")
    def test_a_default_file_that_links_nowhere_is_not_taken_for_none(self) -> None:
        Path("config").mkdir()
        Path("config/alertas.yaml").symlink_to("gone.yaml")
        with pytest.raises(ConfigError, match=r"no such file"):
            load_config()

    def test_get_config_reads_once(self) -> None:
        get_config.cache_clear()
        try:
            first = get_config()
            _write("config/alertas.yaml", "policy: {cooldown_bars: 1}")
            assert get_config() is first
            get_config.cache_clear()
            assert get_config().policy.cooldown_bars == 1
        finally:
            get_config.cache_clear()


class TestOverrides:
    def test_they_beat_the_file(self) -> None:
        file = _write("c.yaml", "policy: {cooldown_bars: 1, rate_limit_per_minute: 5}")
        config = load_config(file, ["policy.cooldown_bars=9", "detection.volatilidade.window = 30"])
        assert (config.policy.cooldown_bars, config.policy.rate_limit_per_minute) == (9, 5)
        assert config.detection.volatility.window == 30
        assert config.source == file

    def test_the_last_of_a_key_counts(self) -> None:
        config = load_config(overrides=["policy.cooldown_bars=1", "policy.cooldown_bars=2"])
        assert config.policy.cooldown_bars == 2

    def test_a_mapping_is_taken_too(self) -> None:
        assert load_config(overrides={"policy.cooldown_bars": 2}).policy.cooldown_bars == 2

    def test_a_value_may_contain_an_equals_sign(self) -> None:
        assert load_config(overrides=["data.source=a=b.csv"]).data.source == "a=b.csv"

    @pytest.mark.parametrize("text", ["policy.cooldown_bars", "=3", "  =3"])
    def test_what_is_no_pair_is_refused(self, text: str) -> None:
        with pytest.raises(ConfigError, match=r"^--set .*expected key=value"):
            load_config(overrides=[text])


class TestSet:
    @pytest.mark.parametrize(
        ("path", "value", "expected"),
        [
            ("detection.volatility.window", 30, 30),
            ("detection.volatility.window", "30", 30),
            ("detection.volatility.window", np.int64(30), 30),
            ("detection.volatility.threshold_sigma", 3, 3.0),
            ("detection.volatility.threshold_sigma", "2.5", 2.5),
            ("detection.volatility.threshold_sigma", np.float32(2.5), 2.5),
            ("trade.touch", True, True),
            ("trade.touch", "true", True),
            ("trade.touch", np.bool_(True), True),
            ("detection.breakout.levels", "closes", Levels.closes),
            ("detection.breakout.levels", Levels.closes, Levels.closes),
            ("delivery.email.security", "tls", Security.tls),
            ("data.source", "bars: x #1.csv", "bars: x #1.csv"),
            ("data.source", None, None),
            ("data.source", "null", None),
            ("detection.enabled", ["breakout"], ("breakout",)),
            ("detection.enabled", "[breakout, engulfing]", ("breakout", "engulfing")),
            ("detection.enabled", "[volatilidade]", ("volatility",)),
            ("detection.enabled", (), ()),
        ],
    )
    def test_typed_or_as_written(self, path: str, value: object, expected: object) -> None:
        found: object = DEFAULTS.set(path, value)
        for name in path.split("."):
            found = getattr(found, name)
        assert found == expected
        assert type(found) is type(expected)

    def test_the_original_is_untouched(self) -> None:
        changed = DEFAULTS.set("detection.volatility.window", 30)
        assert DEFAULTS.detection.volatility.window == 20
        assert changed != DEFAULTS

    def test_a_section_keeps_what_is_not_stated(self) -> None:
        config = DEFAULTS.set("detection.volatility.window", 30).set(
            "detection.volatilidade", {"confirm_bars": "3"}
        )
        assert config.detection.volatility == VolatilityParams(30, 2.0, 3)
        written = DEFAULTS.set("detection", "{volatility: {window: 7}, enabled: []}")
        assert written.detection.volatility == VolatilityParams(7, 2.0, 2)
        assert written.detection.enabled == ()

    def test_a_section_may_be_given_whole(self) -> None:
        config = DEFAULTS.set("detection.volatility", VolatilityParams(7, 1.0, 1))
        assert config.detection.volatility == VolatilityParams(7, 1.0, 1)
        with pytest.raises(ConfigError, match=r"detection\.volatility\.window: got 1,"):
            DEFAULTS.set("detection.volatility", VolatilityParams(window=1))

    def test_parameters_of_a_users_own_detector(self) -> None:
        path = "detection.custom.my.mod:follow"
        config = DEFAULTS.set(f"{path}.n", "5").set(f"{path}.speed", 1.5)
        assert config.detection.custom == {"my.mod:follow": {"n": 5, "speed": 1.5}}
        config = config.set(path, {"n": 6})
        assert config.detection.custom["my.mod:follow"] == {"n": 6}
        plain = DEFAULTS.set("detection.custom.follow.n", [1, 2]).detection.custom
        assert plain == {"follow": {"n": (1, 2)}}

    def test_related_settings_are_checked_at_the_end(self) -> None:
        with pytest.raises(ConfigError, match=r"^policy\.window_start: got 18:00, expected a time"):
            DEFAULTS.set("policy.window_start", "18:00")
        both = DEFAULTS.update({"policy.window_start": "18:00", "policy.window_end": "18:20"})
        assert both.policy == Policy(window_start="18:00", window_end="18:20")

    @pytest.mark.parametrize(
        ("path", "value", "message"),
        [
            ("detection.volatility.window", 1, "got 1, expected a whole number from 2 to 10000"),
            ("detection.volatility.window", 2.0, "got 2.0, expected a whole number"),
            ("detection.volatility.window", True, "got true, expected a whole number"),
            pytest.param(
                "detection.volatility.window",
                10**5000,
                "got a number of thousands of digits",
                id="too-many-digits-to-print",
            ),
            ("detection.volatility.threshold_sigma", float("nan"), "got nan, expected a number"),
            ("detection.volatility.threshold_sigma", "inf", "got inf, expected a number"),
            ("detection.volatility.threshold_sigma", 10**400, "expected a number above 0"),
            ("detection.volatility.window", [3], "got a list, expected a whole number"),
            ("detection.volatility.window", np.array([3, 4]), "got a value of type ndarray"),
            ("detection.breakout.levels", 1, "got 1, expected one of extremes, closes"),
            ("detection.enabled", "breakout", "got breakout, expected a list"),
            ("detection.enabled", "[breakout", "got invalid YAML"),
            ("detection", 3, "got 3, expected a section with the keys enabled"),
            ("data.symbol", object(), "got a value of type object, expected a symbol"),
            ("trade.touch", 1, "got 1, expected true or false"),
            ("trade.touch", "yes", "got yes, expected true or false"),
        ],
    )
    def test_a_refusal_names_the_path(self, path: str, value: object, message: str) -> None:
        with pytest.raises(ConfigError) as caught:
            DEFAULTS.set(path, value)
        assert str(caught.value).startswith(f"{path}: ")
        assert message in str(caught.value)

    @pytest.mark.parametrize(
        ("path", "message"),
        [
            ("detection.volatilty.window", r"^detection\.volatilty: .*did you mean volatility\?"),
            ("volatility.window", r"^volatility: .*did you mean detection\.volatility\?"),
            ("policy", r"^policy: got 3, expected a section"),
            ("policy.cooldown_bars.x", r"expected policy\.cooldown_bars itself"),
            ("source", r"^source: got an unknown key.*did you mean data\.source"),
            ("set", r"^set: got an unknown key"),
            ("", r"got an unknown key"),
            (".", r"got an unknown key"),
            ("data.symbols[0]", r"got an unknown key"),
            ("detection.custom.9x.n", r"expected a detector's name"),
        ],
    )
    def test_an_unknown_path_is_refused(self, path: str, message: str) -> None:
        with pytest.raises(ConfigError, match=message):
            DEFAULTS.set(path, 3)


class TestAsAValue:
    def test_equality_and_hash_ignore_the_file(self) -> None:
        config = load_config(_write("c.yaml", "trade: {stop_atr: 1.5}"))
        assert config == DEFAULTS
        assert hash(config) == hash(DEFAULTS)
        assert config.hash == DEFAULTS.hash
        assert config.set("trade.stop_atr", 2).hash != DEFAULTS.hash

    def test_hash_is_the_sha256_of_canonical_json(self) -> None:
        import hashlib

        text = json.dumps(
            DEFAULTS.to_dict(), sort_keys=True, separators=(",", ":"), ensure_ascii=False
        )
        assert DEFAULTS.hash == hashlib.sha256(text.encode()).hexdigest()

    def test_minus_zero_is_zero(self) -> None:
        assert (
            DEFAULTS.set("live.grace_seconds", -0.0).hash
            == DEFAULTS.set("live.grace_seconds", 0).hash
        )

    def test_it_cannot_be_changed(self) -> None:
        config = DEFAULTS.set("detection.custom.a.b:c.n", 3)
        with pytest.raises(dataclasses.FrozenInstanceError):
            config.policy = Policy()  # type: ignore[misc]  # what is being tested
        with pytest.raises(dataclasses.FrozenInstanceError):
            config.policy.cooldown_bars = 3  # type: ignore[misc]  # what is being tested
        with pytest.raises(TypeError):
            config.detection.custom["a.b:c"] = {}  # type: ignore[index]  # what is being tested

    def test_copies_and_pickles_are_equal(self) -> None:
        config = DEFAULTS.set("detection.custom.a.b:c.n", [3, 4]).set("data.source", "x.csv")
        for twin in (copy.copy(config), copy.deepcopy(config), pickle.loads(pickle.dumps(config))):
            assert twin == config
            assert hash(twin) == hash(config)
            assert twin.hash == config.hash

    def test_an_error_survives_the_way_back_from_a_worker_process(self) -> None:
        with pytest.raises(ConfigError) as caught:
            DEFAULTS.set("trade.touch", "yes")
        twin = pickle.loads(pickle.dumps(caught.value))
        assert (type(twin), str(twin)) == (ConfigError, str(caught.value))

    def test_the_constructor_checks_too(self) -> None:
        assert Config(trade=Trade(stop_atr=2)).hash == DEFAULTS.set("trade.stop_atr", 2.0).hash
        with pytest.raises(ConfigError, match=r"^trade\.stop_atr: got -1,"):
            Config(trade=Trade(stop_atr=-1))
        with pytest.raises(ConfigError, match=r"^policy\.window_start: got \"9am\","):
            dataclasses.replace(DEFAULTS, policy=Policy(window_start="9am"))
        with pytest.raises(ConfigError, match=r"^detection\.custom\.a: got 3, expected a section"):
            Config(detection=Detection(custom={"a": 3}))  # type: ignore[dict-item]  # on purpose

    def test_to_dict_is_json(self) -> None:
        tree = DEFAULTS.set("detection.custom.a.b:c.n", [1, 2.5, "x", None]).to_dict()
        assert json.loads(json.dumps(tree)) == tree
        assert tree["delivery"]["email"]["security"] == "starttls"
        assert tree["detection"]["breakout"]["levels"] == "extremes"
        assert tree["detection"]["custom"] == {"a.b:c": {"n": [1, 2.5, "x", None]}}
        assert "source" not in tree

    def test_no_text_shows_more_of_an_address_than_its_host(self) -> None:
        hook = {"name": "desk", "url": "https://hooks.example/T/hunter2?k=3", "secret_env": "S"}
        config = DEFAULTS.update(
            {"delivery.webhook": [hook], "live.heartbeat_url": "https://beat.example/hunter2"}
        )
        for text in (repr(config), config._repr_html_(), repr(config.delivery), repr(config.live)):
            assert "hunter2" not in text
            assert "k=3" not in text
        assert 'live.heartbeat_url="https://beat.example/…"' in repr(config)
        assert config.delivery.webhook[0].url == hook["url"]

    def test_repr_shows_what_differs(self) -> None:
        assert repr(DEFAULTS) == f"<Config built-in defaults, hash {DEFAULTS.hash[:12]}>"
        changed = DEFAULTS.set("trade.stop_atr", 2).set("data.symbol", "WDO$N")
        assert repr(changed).endswith('data.symbol="WDO$N", trade.stop_atr=2.0>')
        many = DEFAULTS.set(
            "gate", {f"min_{name}": 1 for name in ("sessions", "opportunities", "alerts", "trades")}
        ).set("gate.win_rate", 0)
        assert repr(many).endswith("and 1 more>")

    def test_html_is_escaped_and_marks_what_differs(self) -> None:
        html = DEFAULTS.set("data.source", "<script>")._repr_html_()
        assert "<b>&quot;&lt;script&gt;&quot;</b>" in html
        assert "<script>" not in html
        assert "1 changed from the defaults" in html


def test_nothing_heavy_is_imported() -> None:
    code = (
        "import sys, alertlib.config as c; c.load_config(); heavy = {'numpy', 'polars', 'msgspec', "
        "'yaml', 'pyarrow', 'numba'}; print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    assert done.stdout.strip() == "[]"
