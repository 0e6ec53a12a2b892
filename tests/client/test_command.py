"""``python -m runners.client`` as its user runs it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.websocket_server import TOKEN, run, serving

ROOT = Path(__file__).parents[2]


class TestCommand:
    def start(self, *arguments: str, token: str = f"mesa:{TOKEN}") -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "runners.client", *arguments],
            env=os.environ | {"WEBSOCKET_TOKEN": token},
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )

    @pytest.mark.skipif(sys.platform == "win32", reason="no SIGINT for one process there")
    def test_prints_messages_until_interrupted(self) -> None:
        async def scenario() -> None:
            async with serving() as house:
                house.publish(2)
                process = self.start("--url", house.url, "--window")
                assert process.stdout is not None
                assert process.stderr is not None
                lines = [await asyncio.to_thread(process.stdout.readline) for _ in range(2)]
                assert [json.loads(line)["seq"] for line in lines] == [1, 2]
                assert "Engolfo de alta — compra" in lines[0]
                process.send_signal(signal.SIGINT)
                assert await asyncio.to_thread(process.wait, 10) == 130
                assert process.stderr.read() == ""
                process.stdout.close()
                process.stderr.close()

        run(scenario())

    def test_refusals_are_one_line_and_exit_2(self) -> None:
        async def scenario() -> None:
            async with serving() as house:
                for token, problem in (
                    ("wrong", "HTTP 401"),
                    ("", "$WEBSOCKET_TOKEN: got nothing"),
                ):
                    process = self.start("--url", house.url, token=token)
                    out, err = await asyncio.to_thread(process.communicate, timeout=10)
                    assert process.returncode == 2
                    assert out == ""
                    assert err.startswith("error: ")
                    assert problem in err
                    assert err.count("\n") == 1

        run(scenario())
