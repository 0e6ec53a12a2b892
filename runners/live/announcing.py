"""What a daemon says of its start: in the audit log, and on stdout."""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Iterable, Mapping

from alertlib._version import __version__
from alertlib.config import Config
from alertlib.detection.models import Model
from runners.live.alert_store.records import Event
from runners.live.alert_store.store import Store

_log = logging.getLogger("alertas.live")


def first_events(
    config: Config, models: Iterable[Model], known: Mapping[str, object]
) -> tuple[Event, ...]:
    """Return the events of a start, the first with what else is ``known`` of this run."""
    started = {
        "version": __version__,
        "pid": os.getpid(),
        "python": ".".join(map(str, sys.version_info[:3])),
        **known,
    }
    source = config.source
    settings = {
        "hash": config.hash,
        "source": None if source is None else str(source),
        "legal_hold": config.audit.legal_hold,
    }
    fitted = [Event("model", "live", _model_event(model)) for model in models]
    return Event("start", "live", started), Event("config", "live", settings), *fitted


def announce(store: Store, port: int, *, has_said: bool) -> None:
    """Say on stdout that clients may come, once in a process, and in the log each time."""
    ready = {
        "pid": os.getpid(),
        "port": port,
        "db": store.path,
        "epoch": store.epoch,
        "seq": store.head,
    }
    if not has_said:
        _say_ready(ready)
    _log.info("ready", extra=ready)


def _say_ready(ready: Mapping[str, object]) -> None:
    """Print the one line; a full disk behind stdout is no reason not to serve."""
    try:
        print(f"READY {json.dumps(ready, separators=(',', ':'))}", flush=True)
    except OSError as error:
        _log.error("READY cannot be written to stdout", extra={"reason": str(error)})
        # What is left in the buffer would fail again at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _model_event(model: Model) -> dict[str, object]:
    values = model.to_dict()
    return {name: values[name] for name in ("detector", "first", "last", "data_sha256", "params")}
