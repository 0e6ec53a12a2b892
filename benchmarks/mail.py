"""How fast alerts become accepted mails, and what the channel costs in memory.

    python -m benchmarks.mail [--json F] [--alerts N]

A real store and mailer in this process, aiosmtpd in another, on loopback. Times run from the
end of the commit (fsync included before it) to the moment the server answers 250.

- ``trickle``: ten alerts a second, one recipient, nothing queued; ``trickle_tls`` the same over
  STARTTLS with login, on connections kept open.
- ``burst``: all alerts in one commit, three connections, digests off: mails per minute.
- ``memory``: growth of a bare process's RSS by the channel, before and after its first message.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import platform
import subprocess
import sys
import tempfile
import time
from asyncio.subprocess import Process
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.made_alert import made_alert

ROOT = Path(__file__).parent.parent
TARGET_P99_MS = 500.0
TARGET_MAILS_PER_MINUTE = 100.0

# Logs "id time" for each message at the moment it says 250, and its port first.
SINK = """
import asyncio, email, ssl, sys, time
from aiosmtpd.smtp import SMTP, AuthResult

class Sink:
    async def handle_DATA(self, server, session, envelope):
        headers = email.message_from_bytes(envelope.content)
        print(headers["X-Alertas-Id"], repr(time.time()), flush=True)
        return "250 taken"

async def main():
    loop, more = asyncio.get_running_loop(), {}
    if len(sys.argv) > 1:
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(sys.argv[1], sys.argv[2])
        more = {"require_starttls": True, "auth_required": True, "tls_context": tls}
    accept = lambda *_: AuthResult(success=True)
    server = await loop.create_server(
        lambda: SMTP(Sink(), loop=loop, authenticator=accept, **more), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.sleep(3600)

asyncio.run(main())
"""

MEMORY = """
import json
from benchmarks.made_alert import made_alert
from benchmarks.mail import rss_mb, settings
import asyncio, logging, sqlite3, ssl
from runners.live.alert_store.store import Store
bare = rss_mb()
import runners.live.mail
from runners.live.delivery.policy import single
from alertlib.texts.contracts import find_contracts
from runners.live.mail.render import Renderer
from runners.live.alert_store.records import OutboxRow, Stored
loaded = rss_mb()
body = json.dumps(made_alert(1)).encode()
row = OutboxRow(1, "mesa@localhost", "<1@localhost>", 0.0, 1e10, 0, None, Stored(1, "alert", body))
renderer = Renderer(settings(25), find_contracts(()))
for _ in range(100):
    renderer.message(single(row), 0.0)
print(json.dumps({"loaded_mb": loaded - bare, "first_message_mb": rss_mb() - loaded}))
"""


def rss_mb() -> float:
    """Return this process's resident memory (Linux)."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 1e6


def settings(port: int, ca_file: str | None = None) -> Any:
    """Return the mail section for the sink on ``port``."""
    from alertlib.config.schema import Email, Security

    return Email(
        enabled=True,
        smtp_host="localhost" if ca_file else "127.0.0.1",
        smtp_port=port,
        security=Security.starttls if ca_file else Security.none,
        ca_file=ca_file,
        sender="alertas@localhost",
        recipients=("mesa@localhost",),
        digest_above=1_000_000,
    )


class Bench:
    """A store, a mailer and a sink; ``committed`` and ``accepted`` hold Unix seconds by id."""

    def __init__(self, folder: Path, certificate: tuple[str, str] | None = None) -> None:
        self.folder = folder
        self.certificate = certificate
        self.committed: dict[str, float] = {}
        self.accepted: dict[str, float] = {}

    async def run(self, count: int, pause: float | None) -> None:
        """Commit ``count`` alerts, ``pause`` seconds apart, or all at once; wait for them all."""
        from alertlib.texts.contracts import find_contracts
        from runners.live.alert_store.store import Store
        from runners.live.mail.mailer import Mailer
        from runners.live.mail.render import Renderer
        from runners.live.mail.settings import Access, Login, tls_context

        sink = await asyncio.create_subprocess_exec(
            *(sys.executable, "-W", "ignore", "-c", SINK, *(self.certificate or ())),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        assert sink.stdout is not None
        port = int(await sink.stdout.readline())
        reader = asyncio.create_task(self._read(sink))
        config = settings(port, self.certificate[0] if self.certificate else None)
        access = Access()
        if self.certificate:
            access = Access(Login("mesa", "secret"), tls_context(self.certificate[0]))
        with Store.open(str(self.folder / "alerts.db")) as store:
            mailer = Mailer(config, access, store.outbox, Renderer(config, find_contracts(())))
            running = asyncio.create_task(mailer.run())
            await asyncio.sleep(1.0)
            numbers = range(1, count + 1)
            for group in [numbers] if pause is None else [[n] for n in numbers]:
                await self._commit(store, list(group))
                mailer.notify()
                await asyncio.sleep(pause or 0.0)
            while len(self.accepted) < count:
                await asyncio.sleep(0.01)
            mailer.stop(5.0)
            await running
        sink.terminate()
        await sink.wait()
        reader.cancel()

    async def _commit(self, store: Any, numbers: list[int]) -> None:
        from runners.live.alert_store.records import Batch, Mail, Message

        now = time.time()
        messages = tuple(
            Message(
                made_alert(n, detected_at=datetime.now(UTC).isoformat()),
                mail=(Mail("mesa@localhost", f"<{n}@localhost>", now, now + 1800),),
            )
            for n in numbers
        )
        await asyncio.wrap_future(store.commit(Batch(messages=messages)))
        done = time.time()
        self.committed.update((message.payload["id"], done) for message in messages)

    async def _read(self, sink: Process) -> None:
        assert sink.stdout is not None
        while line := await sink.stdout.readline():
            name, when = line.split()
            self.accepted[name.decode()] = float(when)

    def latencies_ms(self) -> dict[str, float]:
        """Return p50, p99 and the longest time from commit to 250."""
        waits = sorted(1e3 * (self.accepted[name] - at) for name, at in self.committed.items())
        at_99 = waits[math.ceil(0.99 * len(waits)) - 1]
        return {"p50_ms": waits[len(waits) // 2], "p99_ms": at_99, "max_ms": waits[-1]}


def trickle(count: int, certificate: tuple[str, str] | None = None) -> dict[str, float]:
    """Ten alerts a second."""
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder), certificate)
        asyncio.run(bench.run(count, 0.1))
    return bench.latencies_ms()


def burst(count: int) -> dict[str, float]:
    """All alerts at once."""
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder))
        asyncio.run(bench.run(count, None))
    seconds = max(bench.accepted.values()) - min(bench.committed.values())
    return {"mails_per_minute": 60.0 * count / seconds, "seconds": seconds}


def make_certificate(folder: str) -> tuple[str, str] | None:
    """Return a certificate for localhost and its key; None without an ``openssl`` command."""
    certificate, key = f"{folder}/cert.pem", f"{folder}/key.pem"
    command = ["openssl", "req", "-x509", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    command += ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
    command += ["-addext", "subjectAltName=DNS:localhost", "-out", certificate, "-keyout", key]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return certificate, key


def main() -> int:
    """Measure everything and print it; 1 if a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--json", metavar="F", help="write the figures to F")
    parser.add_argument("--alerts", type=int, default=300, help="alerts per run (default 300)")
    options = parser.parse_args()
    figures: dict[str, Any] = {"trickle": trickle(options.alerts)}
    with tempfile.TemporaryDirectory() as folder:
        certificate = make_certificate(folder)
        if certificate is not None:
            figures["trickle_tls"] = trickle(options.alerts, certificate)
    figures["burst"] = burst(options.alerts)
    if sys.platform == "linux":
        done = subprocess.run(
            [sys.executable, "-c", MEMORY], cwd=ROOT, check=True, capture_output=True, text=True
        )
        figures["memory"] = json.loads(done.stdout)
    figures["machine"] = f"{platform.platform()}, Python {platform.python_version()}"
    text = json.dumps(figures, indent=2)
    print(text)
    if options.json:
        Path(options.json).write_text(text + "\n", encoding="utf-8")
    slow = any(f["p99_ms"] > TARGET_P99_MS for name, f in figures.items() if "trickle" in name)
    return int(slow or figures["burst"]["mails_per_minute"] < TARGET_MAILS_PER_MINUTE)


if __name__ == "__main__":
    raise SystemExit(main())
