"""The dashboard as one response, with a policy under which nothing else runs."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Collection
from http import HTTPStatus
from pathlib import Path

from websockets.http11 import Response

from alertlib.texts.words import WORDS, Language
from runners.live.websocket.responses import reply

_LINKED = re.compile(
    r'<script src="(?P<script>[\w.-]+)"></script>|<link rel="stylesheet" href="(?P<style>[\w.-]+)">'
)


# The vocabulary stands in one place, for texts, mails and the page; so does their language.
_NO_WORDS = "const VOCABULARY = {}; // words"
_NO_LANGUAGE = 'const CONFIGURED = "pt-BR"; // language'
_INLINE = re.compile(r"<(script|style)>(.*?)</\1>", re.DOTALL)


def assemble(path: Path, language: Language = "pt-BR") -> str:
    """Return a page with scripts, style sheets and the vocabulary put in their places."""

    def inline(match: re.Match[str]) -> str:
        kind = str(match.lastgroup)
        source = path.with_name(match[kind]).read_text(encoding="utf-8")
        for place, filled in filling.items():
            source = source.replace(place, filled)
        return f"<{kind}>\n{source}</{kind}>"

    filling = {
        _NO_WORDS: f"const VOCABULARY = {json.dumps(WORDS, ensure_ascii=False)};",
        _NO_LANGUAGE: f"const CONFIGURED = {json.dumps(language)};",
    }
    # Text mode: the digests are of what the browser parses, where every line ends in LF.
    return _LINKED.sub(inline, path.read_text(encoding="utf-8"))


class Page:
    """The dashboard: one file, and a policy under which nothing but that file runs.

    Inline scripts and styles are allowed by their digest, so markup smuggled into the page by
    an alert's text could not execute.
    """

    def __init__(self, html: str, origins: Collection[str]) -> None:
        digests: dict[str, list[str]] = {"script": [], "style": []}
        for match in _INLINE.finditer(html):
            digest = hashlib.sha256(match.group(2).encode()).digest()
            digests[match.group(1)].append(f"'sha256-{base64.b64encode(digest).decode()}'")
        # 'self' covers ws: in current browsers only, and a policy cannot name an IPv6 address.
        sockets = sorted(f"ws{origin[4:]}" for origin in origins if "[" not in origin)
        self._html = html
        self._headers = {
            "Content-Security-Policy": "; ".join(
                (
                    "default-src 'none'",
                    f"script-src {' '.join(digests['script']) or repr('none')}",
                    f"style-src {' '.join(digests['style']) or repr('none')}",
                    f"connect-src {' '.join([repr('self'), *sockets])}",
                    "img-src data:",
                    "base-uri 'none'",
                    "form-action 'none'",
                    "frame-ancestors 'none'",
                )
            ),
            "Referrer-Policy": "no-referrer",
            "Cross-Origin-Opener-Policy": "same-origin",
        }

    @classmethod
    def load(
        cls, path: Path, origins: Collection[str], language: Language = "pt-BR"
    ) -> Page | None:
        """Read the page; None where it is not installed."""
        try:
            return cls(assemble(path, language), origins)
        except FileNotFoundError:
            return None

    def response(self) -> Response:
        """Return the page."""
        return reply(HTTPStatus.OK, self._html, "text/html; charset=utf-8", self._headers)
