"""A real browser for tests: headless Chromium, driven through the DevTools protocol."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import os
import shutil
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

_FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--no-first-run", "--disable-dev-shm-usage",
    "--disable-extensions", "--mute-audio", "--remote-debugging-port=0",
)  # fmt: skip
_START_SECONDS = 60.0


def find_chromium() -> str | None:
    """Return the path of a Chromium, if there is one."""
    found = (shutil.which(name) for name in ("chromium", "chromium-browser", "google-chrome"))
    return next((path for path in found if path is not None), None)


@contextmanager
def chromium(path: str, profile: Path) -> Iterator[str]:
    """Run a browser that keeps to its profile; yields the address of its DevTools."""
    homes = ("HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME")  # crash reports ignore --user-data-dir
    process = subprocess.Popen(
        [path, *_FLAGS, f"--user-data-dir={profile}"],
        env=os.environ | dict.fromkeys(homes, str(profile)),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield _address(profile / "DevToolsActivePort", process)
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _address(file: Path, process: subprocess.Popen[bytes]) -> str:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(FileNotFoundError, ValueError):
            port, path = file.read_text().splitlines()[:2]
            return f"ws://127.0.0.1:{port}{path}"
        time.sleep(0.05)
    raise RuntimeError(f"chromium did not start (exit status {process.poll()})")


class NavigatedError(RuntimeError):
    """The page was left before it answered."""


class Tab:
    """One page in a profile of its own.

    Attributes
    ----------
    console : list of str
        Everything the page or the browser complained about, policy violations included.
    """

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._number = 0
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._loaded = asyncio.Event()
        self.session = ""
        self.context = ""
        self.console: list[str] = []

    async def call(self, method: str, **params: Any) -> dict[str, Any]:
        """Send a DevTools command; returns its result."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": params}
        if self.session and not method.startswith("Browser."):
            message["sessionId"] = self.session
        answer = self._answers[self._number] = asyncio.get_running_loop().create_future()
        await self._socket.send(json.dumps(message))
        return await asyncio.wait_for(answer, 30)

    async def listen(self) -> None:
        """Sort what the browser says, until the connection is closed."""
        async for text in self._socket:
            message = json.loads(text)
            if "id" in message:
                answer = self._answers.pop(message["id"])
                if "navigated" in message.get("error", {}).get("message", ""):
                    answer.set_exception(NavigatedError(str(message["error"])))
                elif "error" in message:
                    answer.set_exception(RuntimeError(str(message["error"])))
                else:
                    answer.set_result(message["result"])
            else:
                self._note(message["method"], message["params"])

    def _note(self, event: str, params: dict[str, Any]) -> None:
        match event:
            case "Page.loadEventFired":
                self._loaded.set()
            case "Log.entryAdded":
                self.console.append(params["entry"]["text"])
            case "Runtime.consoleAPICalled" if params["type"] in ("error", "warning", "assert"):
                self.console.append(str([one.get("value") for one in params["args"]]))
            case "Runtime.exceptionThrown":
                details = params["exceptionDetails"]
                self.console.append(str(details.get("exception", details).get("description")))

    async def load(self, url: str | None = None) -> None:
        """Open ``url``, or the same page anew, and wait until it is there."""
        self._loaded.clear()
        if url is None:
            await self.call("Page.reload")
        else:
            await self.call("Page.navigate", url=url)
        await asyncio.wait_for(self._loaded.wait(), 30)

    async def run(self, script: str) -> Any:
        """Return the value of an expression in the page."""
        answer = await self.call(
            "Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True
        )
        if "exceptionDetails" in answer:
            raise RuntimeError(f"{script}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    async def until(self, script: str, seconds: float = 20.0) -> None:
        """Wait for an expression to be true."""
        deadline = time.monotonic() + seconds
        while not await self._holds(script):
            if time.monotonic() > deadline:
                raise AssertionError(
                    f"{script} did not come true in {seconds} s; the console says {self.console}"
                )
            await asyncio.sleep(0.03)

    async def _holds(self, script: str) -> bool:
        try:
            return bool(await self.run(f"!!({script})"))
        except NavigatedError:
            return False  # asked of a page that was just left

    async def texts(self, selector: str) -> list[str]:
        """Return the visible text of every element that matches."""
        script = f"[...document.querySelectorAll({json.dumps(selector)})].map(e => e.innerText)"
        return list(await self.run(script))

    async def type(self, text: str) -> None:
        """Type into whatever has the focus."""
        await self.call("Input.insertText", text=text)

    async def press(self, key: str) -> None:
        """Press a key."""
        code = {"Enter": 13, "Tab": 9, "ArrowDown": 40, "ArrowUp": 38}[key]
        press = {"key": key, "code": key, "windowsVirtualKeyCode": code}
        text = {"text": "\r"} if key == "Enter" else {}
        await self.call("Input.dispatchKeyEvent", type="keyDown", **press, **text)
        await self.call("Input.dispatchKeyEvent", type="keyUp", **press)

    async def click(self, selector: str) -> None:
        """Click on the middle of an element, as a hand does: the browser takes it for a touch."""
        x, y = await self._middle(selector)
        for kind in ("mousePressed", "mouseReleased"):
            await self.call(
                "Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1
            )

    async def tap(self, selector: str, share: float = 0.5) -> None:
        """Put a finger on an element, ``share`` of its width from the left, and lift it."""
        x, y = await self._middle(selector, share)
        await self.call(
            "Input.dispatchTouchEvent", type="touchStart", touchPoints=[{"x": x, "y": y}]
        )
        await self.call("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])

    async def _middle(self, selector: str, share: float = 0.5) -> tuple[float, float]:
        await self.run(f"document.querySelector({json.dumps(selector)}).scrollIntoView()")
        box = await self.run(
            f"document.querySelector({json.dumps(selector)}).getBoundingClientRect().toJSON()"
        )
        return box["x"] + share * box["width"], box["y"] + box["height"] / 2

    async def permit(self, *names: str) -> None:
        """Grant permissions, as somebody who is asked would."""
        await self.call(
            "Browser.grantPermissions", permissions=list(names), browserContextId=self.context
        )

    async def before(self, script: str) -> None:
        """Run a script ahead of the page's own, from the next load on."""
        await self.call("Page.addScriptToEvaluateOnNewDocument", source=script)

    async def resize(self, width: int, height: int) -> None:
        """Pretend to be a screen of this size."""
        await self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=height, deviceScaleFactor=1, mobile=width < 600,
        )  # fmt: skip

    async def colours(self, scheme: str) -> None:
        """Prefer ``light`` or ``dark``."""
        feature = {"name": "prefers-color-scheme", "value": scheme}
        await self.call("Emulation.setEmulatedMedia", features=[feature])

    async def screenshot(self, path: Path) -> Path:
        """Save what is seen."""
        answer = await self.call("Page.captureScreenshot", format="png")
        path.write_bytes(base64.b64decode(answer["data"]))
        return path


@asynccontextmanager
async def open_tab(devtools: str, url: str) -> AsyncIterator[Tab]:
    """Open a page; it is closed with the block."""
    async with connect(devtools, max_size=None, proxy=None, compression=None) as socket:
        tab = Tab(socket)
        listener = asyncio.create_task(tab.listen())
        context = (await tab.call("Target.createBrowserContext"))["browserContextId"]
        target = await tab.call("Target.createTarget", url="about:blank", browserContextId=context)
        attached = await tab.call(
            "Target.attachToTarget", targetId=target["targetId"], flatten=True
        )
        tab.session, tab.context = attached["sessionId"], context
        for domain in ("Page", "Runtime", "Log"):
            await tab.call(f"{domain}.enable")
        await tab.resize(1280, 900)
        try:
            await tab.load(url)
            yield tab
        finally:
            tab.session = ""
            await tab.call("Target.disposeBrowserContext", browserContextId=context)
            listener.cancel()
