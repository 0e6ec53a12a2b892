"""What ``runners.config`` does: print the commented settings file, or check one."""

from __future__ import annotations

import argparse

from alertlib.config import load_config
from alertlib.config.config import shown_setting
from alertlib.config.loader import shipped_path
from alertlib.detection.registry import enabled_detectors
from runners._main import OK


def command(args: argparse.Namespace) -> int:
    """Print, and return the exit status."""
    if args.validate is None:
        print(shipped_path().read_text(encoding="utf-8"), end="")
        return OK
    config = load_config(args.validate)
    # A detector of one's own is code: whether it is there is known when it is imported.
    names = [detector.name for detector in enabled_detectors(config.detection)]
    changes = config.changes()
    print(f"{args.validate}: valid. Detectors: {', '.join(names) or 'none'}")
    print(f"Settings that differ from the defaults: {len(changes) or 'none'}")
    for path, value in changes.items():
        print(f"  {path}: {shown_setting(value)}")
    return OK
