"""The proxies' configurations of docs/deploy, run before a daemon as they stand there."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import socket
import ssl
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from tests.support.certificates import make_certificate
from tests.support.running import ROOT, SAMPLE, TOKEN, Running, events, until, write_config
from tests.support.websocket_server import receive

DEPLOY = ROOT / "docs" / "deploy"
CERTIFICATE = "/etc/letsencrypt/live/alertas.example/fullchain.pem"
KEY = "/etc/letsencrypt/live/alertas.example/privkey.pem"
CLIENT = "127.0.0.2"
NGINX = """\
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/alertas.conf;
}}
"""


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


def shipped(name: str) -> tuple[str, str]:
    """Return a shipped file and the settings for alertas.yaml in nginx.conf's head."""
    head = (DEPLOY / "nginx.conf").read_text(encoding="utf-8").partition("\n\n")[0]
    block = re.search(r"^#   delivery:\n(#  .*\n?)+", head, re.MULTILINE)
    assert block is not None
    settings = re.sub(r"(?m)^#   ", "", block.group())
    return (DEPLOY / name).read_text(encoding="utf-8"), settings


def replaced(text: str, **changes: str) -> str:
    for old, new in changes.items():
        assert old in text, f"{old} is not in the shipped file"
        text = text.replace(old, new)
    return text


@contextmanager
def proxy(name: str, folder: Path, backend: int) -> Iterator[tuple[int, ssl.SSLContext]]:
    """Run a proxy of this name in front of a port."""
    program = "nginx" if name == "nginx.conf" else "caddy"
    found = shutil.which(program) or shutil.which(program, path="/usr/sbin")
    if found is None:
        pytest.skip(f"no {program} (Debian: {program})")
    certificate, key = make_certificate(folder, "alertas.example")
    port, (text, _) = free_port(), shipped(name)
    text = replaced(text, **{"127.0.0.1:8765": f"127.0.0.1:{backend}"})
    if program == "nginx":
        changes = {"listen 443 ssl": f"listen 127.0.0.1:{port} ssl"}
        text = replaced(text, **changes, **{CERTIFICATE: str(certificate), KEY: str(key)})
        (folder / "alertas.conf").write_text(text, encoding="utf-8")
        (folder / "nginx.conf").write_text(NGINX.format(folder=folder), encoding="utf-8")
        command = [found, "-p", str(folder), "-c", str(folder / "nginx.conf"), "-g", "daemon off;"]
    else:
        site = f"{{\n\tadmin off\n\tauto_https off\n}}\nhttps://alertas.example:{port} {{\n"
        site += f"\tbind 127.0.0.1\n\ttls {certificate} {key}\n"
        text = replaced(text, **{"alertas.example {\n": site})
        (folder / "Caddyfile").write_text(text, encoding="utf-8")
        config = str(folder / "Caddyfile")
        command = [found, "run", "--adapter", "caddyfile", "--config", config]
    environment = {**os.environ, "HOME": str(folder), "XDG_DATA_HOME": str(folder)}
    with (folder / "proxy.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
    try:
        until(lambda: listens(port, process))
        yield port, ssl.create_default_context(cafile=str(certificate))
    finally:
        process.terminate()
        process.wait(20)


def listens(port: int, process: subprocess.Popen[bytes]) -> bool:
    assert process.poll() is None, "the proxy ended"
    with socket.socket() as sock:
        return sock.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.parametrize("name", ["nginx.conf", "Caddyfile"])
def test_a_shipped_proxy(name: str, tmp_path: Path) -> None:
    config = write_config(tmp_path, shipped("nginx.conf")[1])
    options = ("--config", config, "--feed", "replay", "--bars", str(SAMPLE), "--speed", "0")
    with Running(tmp_path, *options) as daemon:
        with proxy(name, tmp_path, daemon.ready["port"]) as (port, trust):
            asyncio.run(talk(port, trust))
            statuses = {path: status(port, trust, path) for path in ("/", "/health", "/metrics")}
            assert statuses == {"/": 200, "/health": 200, "/metrics": 403}
        assert daemon.get("/metrics")[0] == 401  # also from here, since a proxy is
        assert daemon.signal("SIGTERM") == 0
    connected = events(daemon.database, "client_connected")
    assert [event["data"]["address"] for event in connected] == [CLIENT]
    (rejected,) = events(daemon.database, "client_rejected")
    assert rejected["data"]["address"] == CLIENT


async def talk(port: int, trust: ssl.SSLContext) -> None:
    """Resume from a page through the proxy, and be refused with a wrong token."""

    def through(token: str, origin: str) -> connect:
        return connect(
            f"wss://alertas.example:{port}/alertas?epoch=x&since=0",
            host="127.0.0.1",
            local_addr=(CLIENT, 0),
            ssl=trust,
            origin=origin,
            additional_headers={"Authorization": f"Bearer {token}"},
        )  # type: ignore[arg-type]

    async with through(TOKEN, "https://alertas.example") as client:
        messages = await receive(client, 3)
        assert messages[0]["type"] == "welcome"
        assert "alert" in {message["type"] for message in messages}
    with pytest.raises(InvalidStatus, match="401"):
        await through("wrong", "https://alertas.example")


def status(port: int, trust: ssl.SSLContext, path: str) -> int:
    trust.check_hostname = False
    headers = {"Host": f"alertas.example:{port}"}
    request = urllib.request.Request(f"https://127.0.0.1:{port}{path}", headers=headers)
    try:
        with urllib.request.urlopen(request, context=trust, timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code
