"""The parts a daemon is tried with: its memory, its mail server, its end."""

from __future__ import annotations

import asyncio
import base64
import os
import shutil
import smtplib
import subprocess
import sys
from pathlib import Path

import pytest

from alertlib.errors import StorageError
from runners.trial import memory
from runners.trial.clients import Seen
from runners.trial.mail_sink import MailSink
from runners.trial.processes import terminated_as_interrupted
from runners.trial.room import require_room
from runners.trial.webhook_sink import is_signed

LETTER = (
    "Message-ID: <1@x>\r\nX-Alertas-Kind: alert\r\nX-Alertas-Id: {id}\r\nSubject: s\r\n\r\n"
    "..a line with a dot\r\nDATA\r\n"
)


def test_memory_is_the_peak_not_what_is_left() -> None:
    code = (
        "b = bytearray(60_000_000); b[::4096] = b'x' * len(b[::4096]); del b\n"
        "print('done', flush=True); input()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        found = memory.peak_megabytes(process.pid)
        process.communicate(b"\n")
    if sys.platform in ("linux", "win32"):
        assert found is not None
        assert 60 < found < 120


@pytest.mark.skipif(shutil.which("ps") is None, reason="no ps command")
def test_ps_tells_of_a_process_and_nothing_of_one_that_is_gone() -> None:
    now = memory._now_by_ps(os.getpid())
    assert now is not None
    assert now > 5
    assert memory._now_by_ps(2**22 - 1) is None


def test_the_mail_server_notes_what_it_has_taken() -> None:
    async def send() -> MailSink:
        async with MailSink().serving() as sink:
            await asyncio.to_thread(_send, sink.port)
        return sink

    def _send(port: int) -> None:
        with smtplib.SMTP("127.0.0.1", port, timeout=10) as client:
            client.sendmail("x@y", ["a@x", "b@x"], LETTER.format(id="a1"))
            client.sendmail("x@y", ["a@x"], LETTER.format(id="a2"))

    letters = asyncio.run(send()).letters
    assert [(one.recipient, one.alert_id) for one in letters] == [
        ("a@x", "a1"), ("b@x", "a1"), ("a@x", "a2"),
    ]  # fmt: skip
    assert {(one.kind, one.message_id) for one in letters} == {("alert", "<1@x>")}


@pytest.mark.parametrize(
    ("count", "numbers", "error", "whole"),
    [(3, (4, 6), None, True), (3, (4, 7), None, False), (3, (4, 6), "cut", False)],
)
def test_a_client_is_whole_without_a_gap(
    count: int, numbers: tuple[int, int], error: str | None, whole: bool
) -> None:
    assert Seen([0.1] * count, 0.0, 1.0, numbers, error).is_whole is whole


def test_what_the_disk_would_not_hold_is_not_begun() -> None:
    require_room(1)
    with pytest.raises(StorageError, match=r"MB free, expected 9,999,999,999 MB .*TMPDIR"):
        require_room(9_999_999_999)


@pytest.mark.skipif(os.name == "nt", reason="a signal of POSIX")
def test_sigterm_ends_a_trial_as_ctrl_c_does() -> None:
    with pytest.raises(KeyboardInterrupt), terminated_as_interrupted():
        os.kill(os.getpid(), 15)


def test_no_folder_for_temporary_files_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none() -> str:
        raise FileNotFoundError(2, "No usable temporary directory found")

    monkeypatch.setattr("tempfile.gettempdir", none)
    with pytest.raises(StorageError, match=r"No usable temporary directory.*TMPDIR"):
        require_room(1)


# A message and its signature from the documentation of the specification's reference libraries.
SECRET = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
SIGNED = {
    "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
    "webhook-timestamp": "1614265330",
    "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
}
BODY = b'{"test": 2432232314}'


@pytest.mark.parametrize(
    ("changes", "body", "late", "signed"),
    [
        ({}, BODY, 0.0, True),
        ({}, BODY, 299.0, True),
        ({}, BODY, 301.0, False),
        ({}, BODY + b" ", 0.0, False),
        ({"webhook-id": "msg_other"}, BODY, 0.0, False),
        ({"webhook-timestamp": "1614265331"}, BODY, 0.0, False),
        ({"webhook-timestamp": "²"}, BODY, 0.0, False),
        ({"webhook-signature": f"v1,x {SIGNED['webhook-signature']}"}, BODY, 0.0, True),
        ({"webhook-signature": "v1,x"}, BODY, 0.0, False),
        ({"webhook-signature": ""}, BODY, 0.0, False),
    ],
)
def test_a_signature_is_the_specifications(
    changes: dict[str, str], body: bytes, late: float, signed: bool
) -> None:
    assert is_signed(SECRET, SIGNED | changes, body, 1_614_265_330 + late) is signed
