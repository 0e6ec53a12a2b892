"""A mailer killed at random moments: nothing lost, and no more copies than were under way."""

from __future__ import annotations

import asyncio
import random
import sqlite3
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.support.smtp_servers import real
from tests.support.store_data import ROOT, must_verify

ALERTS = 300

# Commits the alerts on its first run; mails what is owed on every run.
CHILD = """
import asyncio, sys, time
from runners.live.mail.mailer import Mailer
from runners.live.delivery.policy import message_id
from alertlib.texts.contracts import find_contracts
from runners.live.mail.render import Renderer
from runners.live.mail.settings import Access
from runners.live.alert_store.store import Store
from runners.live.alert_store.records import Batch, Mail, Message
from tests.support.store_data import payload
from tests.support.smtp_servers import DESK, plain

async def main(path, port, count):
    settings, now = plain(port, digest_above=1000), time.time()
    with Store.open(path) as store:
        if store.head == 0:
            copy = lambda a: Mail(DESK, message_id(a["id"], DESK, settings.sender), now, now + 1800)
            alerts = [payload(n) for n in range(1, count + 1)]
            messages = tuple(Message(a, mail=(copy(a),)) for a in alerts)
            store.commit(Batch(messages=messages)).result()
        renderer = Renderer(settings, find_contracts(()))
        await Mailer(settings, Access(), store.outbox, renderer).run()

asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
"""


@pytest.mark.parametrize("kills", [2, pytest.param(30, marks=pytest.mark.slow)])
def test_killed_and_started_again(tmp_path: Path, kills: int) -> None:
    path = str(tmp_path / "alerts.db")
    chance = random.Random(7)

    async def scenario() -> list[str]:
        async with real() as inbox:
            for number in range(kills + 1):
                child = await asyncio.create_subprocess_exec(
                    *(sys.executable, "-c", CHILD, path, str(inbox.port), str(ALERTS)), cwd=ROOT
                )
                before = len(inbox.mails)
                more = ALERTS // (2 * kills)
                target = before + chance.randint(1, more) if number < kills else None
                while target is not None and len(inbox.mails) < target:
                    await asyncio.sleep(0.001)
                while target is None and not _is_empty(path):
                    await asyncio.sleep(0.2)
                child.kill()
                await child.wait()
            return [str(mail["Message-ID"]) for mail in inbox.mails]

    copies = Counter(asyncio.run(asyncio.wait_for(scenario(), 120)))
    assert len(copies) == ALERTS
    assert sum(copies.values()) - ALERTS <= 3 * kills
    must_verify(path)


def _is_empty(path: str) -> bool:
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as connection:
        owed = connection.execute("SELECT count(*) FROM outbox").fetchone()[0]
    connection.close()
    return bool(owed == 0)
