"""The configuration: one strict YAML file, typed, checked and immutable.

>>> from alertlib.config import Config
>>> Config().set("detection.volatility.window", 30).detection.volatilidade.window
30
"""

from alertlib.config.config import Config, settings_of
from alertlib.config.loader import get_config, load_config
from alertlib.config.secrets import find_secret, read_secret

__all__ = ["Config", "find_secret", "get_config", "load_config", "read_secret", "settings_of"]
