"""Which feed runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alertlib.config import Config
from alertlib.errors import ConfigError
from runners.live.feed.base import Feed
from runners.live.feed.replay import ReplayFeed

if TYPE_CHECKING:
    pass


def replay_source(config: Config, option: str | None) -> str:
    """Return the bars to replay: ``--bars``, else ``data.source``."""
    source = option if option is not None else config.data.source
    if source is None:
        raise ConfigError(
            "--feed replay: got no bars to replay, expected --bars FILE or data.source in the "
            "configuration; name a bar file or the directory of a bar store"
        )
    return source


def feed_kind(config: Config, option: str | None, bars: str | None) -> str:
    """Return ``mt5`` or ``replay``: the option, else what ``--bars`` implies, else the setting."""
    return option or ("replay" if bars is not None else config.live.feed)


def make_feed(config: Config, kind: str, source: str | None, speed: float) -> Feed:
    """Return the feed to run; a replay's reader is already at work."""
    if kind == "replay":
        assert source is not None
        replay = ReplayFeed(config, source, speed)
        replay.start()
        return replay
    from runners.live.feed.mt5 import Mt5Feed

    return Mt5Feed(config)
