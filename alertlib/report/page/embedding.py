"""What a page with a script carries inside itself: code the policy knows by hash, and data."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from markupsafe import Markup

from alertlib.report.plots.look import plotly

_FOLDER = Path(__file__).parent / "scripts"
# More than any price or total of a page has.
_DIGITS = 10
# In the order in which they are read.
_SCRIPTS = ("page", "chosen", "session", "figures", "trades", "explorer")


def plotly_script() -> str:
    """Return the source of plotly's own script.

    Raises
    ------
    ConfigError
        If plotly is not installed.
    """
    plotly()  # which says what to do where it is missing
    from plotly.offline import get_plotlyjs

    return str(get_plotlyjs())


def page_script() -> str:
    """Return the source of the page's script: one function around all modules."""
    parts = [(_FOLDER / f"{name}.js").read_text(encoding="utf-8") for name in _SCRIPTS]
    return "\n".join(['(() => {\n"use strict";', *parts, "})();"])


def policy(*scripts: str) -> str:
    """Return the content security policy under which these scripts alone run, and nothing loads.

    plotly writes styles, and makes pictures of figures to be saved.
    """
    hashes = " ".join(f"'sha256-{_digest(script)}'" for script in scripts)
    return (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; "
        "img-src data: blob:; base-uri 'none'; form-action 'none'"
    )


def _digest(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


def embedded(values: Any) -> Markup:
    """Return values as JSON of which nothing ends the ``script`` element it stands in."""
    text = json.dumps(_short(values), separators=(",", ":"), allow_nan=False)
    return Markup(text.replace("<", "\\u003c"))


def _short(values: Any) -> Any:
    """Return values with the digits that can be seen: a third of a page's figures are others."""
    if isinstance(values, float):
        return int(values) if values.is_integer() else float(f"{values:.{_DIGITS}g}")
    if isinstance(values, Mapping):
        return {key: _short(value) for key, value in values.items()}
    if isinstance(values, Sequence) and not isinstance(values, str):
        return [_short(value) for value in values]
    return values
