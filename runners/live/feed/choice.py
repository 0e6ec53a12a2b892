"""Which feed runs."""

from __future__ import annotations

from pathlib import Path

from alertlib.config import Config
from alertlib.config.schema import Live
from alertlib.errors import ConfigError
from runners.live.feed.base import Feed
from runners.live.feed.replay import ReplayFeed

_DEFAULT = Live.database


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


def database_of(kind: str, live: Live, stated: str) -> str:
    """Return the database to use where none is named with ``--db``.

    Parameters
    ----------
    kind : {"mt5", "replay"}
    live : Live
    stated : str
        The daemon's database by the configuration.

    Returns
    -------
    str
        Of a replay ``replay.db`` beside it: replayed days do not belong among real ones. A
        configuration that is itself one of a replay names its own.
    """
    if kind != "replay" or (live.feed == "replay" and stated != _DEFAULT):
        return stated
    return str(Path(stated).with_name("replay.db"))


def make_feed(config: Config, kind: str, source: str | None, speed: float) -> Feed:
    """Return the feed to run; a replay's reader is already at work."""
    if kind == "replay":
        assert source is not None
        replay = ReplayFeed(config, source, speed)
        replay.start()
        return replay
    from runners.live.feed.mt5 import Mt5Feed

    return Mt5Feed(config)
