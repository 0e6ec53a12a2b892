"""Configuration files for tests: write a text, load it, or read what it is refused with."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from alertlib.config import Config, load_config
from alertlib.errors import ConfigError

Load = Callable[[str | bytes], Config]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """Write a text to ``tmp_path/c.yaml`` and load it."""

    def write_and_load(text: str | bytes) -> Config:
        file = tmp_path / "c.yaml"
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        return load_config(file)

    return write_and_load


def refusal(load: Load, text: str | bytes) -> str:
    """Return the message a file is refused with, from ``LINE: `` on."""
    with pytest.raises(ConfigError) as caught:
        load(text)
    message = str(caught.value)
    assert "\n" not in message
    file, _, rest = message.partition("c.yaml:")
    assert file.endswith(("/", "\\"))
    return rest
