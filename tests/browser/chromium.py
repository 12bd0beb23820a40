"""Chromium without a window, driven by the DevTools protocol over a pair of pipes: nothing but the standard library.

(https://chromedevtools.github.io/devtools-protocol/: by `--remote-debugging-pipe` commands come from descriptor 3 and answers
go to 4, each message JSON with a NUL after it.)
"""

from __future__ import annotations

import base64
import contextlib
import fcntl
import json
import os
import select
import shutil
import signal
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PATIENCE = 60.0  # seconds for one answer, on a busy machine
KEYS = {
    "Tab": {"code": "Tab", "windowsVirtualKeyCode": 9},
    "Enter": {"code": "Enter", "windowsVirtualKeyCode": 13, "text": "\r"},
    " ": {"code": "Space", "windowsVirtualKeyCode": 32, "text": " "},
}


def found() -> str | None:
    """Return where Chromium is on this machine, None where it is not."""
    named = os.environ.get("CHROMIUM")
    return named or next((path for name in NAMES if (path := shutil.which(name))), None)


class Chromium:
    """A running Chromium with a profile of its own; it ends with the `with` block."""

    def __init__(self, program: str, profile: Path) -> None:
        self._program, self._profile = program, profile
        self._number, self._rest = 0, b""
        self._waiting: list[dict[str, Any]] = []

    def __enter__(self) -> Self:
        theirs_in, self._to = _pipe()
        self._from, theirs_out = _pipe()
        options = [
            "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--hide-scrollbars",
            "--disable-background-networking", "--remote-debugging-pipe", f"--user-data-dir={self._profile}", "about:blank",
        ]  # fmt: skip
        quiet = (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0)
        handed = [(os.POSIX_SPAWN_DUP2, theirs_in, 3), (os.POSIX_SPAWN_DUP2, theirs_out, 4), quiet]
        self._process = os.posix_spawn(
            self._program, [self._program, *options], dict(os.environ), file_actions=handed, setpgroup=0
        )
        os.close(theirs_in)
        os.close(theirs_out)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process, signal.SIGKILL)
        os.waitpid(self._process, 0)
        os.close(self._to)
        os.close(self._from)

    def ask(self, method: str, session: str | None = None, **parameters: Any) -> dict[str, Any]:
        """Send a command and return what it answers."""
        self._number += 1
        number = self._number
        message = {"id": number, "method": method, "params": parameters}
        _write(self._to, json.dumps(message | ({"sessionId": session} if session else {})).encode() + b"\0")
        answer = self._next(lambda said: said.get("id") == number)
        assert "error" not in answer, f"{method}: {answer['error']}"
        result: dict[str, Any] = answer["result"]
        return result

    def wait_for(self, event: str, session: str) -> dict[str, Any]:
        """Return the next event of this name, be it here already."""
        return self._next(lambda said: (said.get("method"), said.get("sessionId")) == (event, session))

    def forget(self, event: str) -> None:
        """Let go of what is here of an event."""
        self._waiting = [said for said in self._waiting if said.get("method") != event]

    def _next(self, wanted: Any) -> dict[str, Any]:
        until = time.monotonic() + PATIENCE
        while True:
            for place, said in enumerate(self._waiting):
                if wanted(said):
                    return self._waiting.pop(place)
            self._read(until)

    def _read(self, until: float) -> None:
        ready, _, _ = select.select([self._from], [], [], max(0.0, until - time.monotonic()))
        assert ready, "Chromium does not answer."
        piece = os.read(self._from, 1 << 16)
        assert piece, "Chromium has ended."
        *whole, self._rest = (self._rest + piece).split(b"\0")
        self._waiting += [json.loads(message) for message in whole]

    def open(self, url: str, width: int, height: int) -> Tab:
        """Open a page in a window of so many CSS pixels."""
        tab = Tab(self, self.ask("Target.createTarget", url="about:blank")["targetId"])
        tab.resize(width, height)
        tab.go(url)
        return tab


class Tab:
    """One page."""

    def __init__(self, chromium: Chromium, target: str) -> None:
        self._chromium = chromium
        self._session = chromium.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for part in ("Page", "Runtime", "Log"):
            self._ask(f"{part}.enable")

    def _ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        return self._chromium.ask(method, self._session, **parameters)

    def resize(self, width: int, height: int) -> None:
        """Let the window be so wide and high, in CSS pixels."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self._ask("Emulation.setDeviceMetricsOverride", **size)

    def go(self, url: str) -> None:
        """Go to an address, and wait until it is shown."""
        self._chromium.forget("Page.loadEventFired")
        self._ask("Page.navigate", url=url)
        self._chromium.wait_for("Page.loadEventFired", self._session)

    def value(self, expression: str) -> Any:
        """Return what a JavaScript expression comes to, as JSON."""
        answer = self._ask("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def press(self, *keys: str) -> None:
        """Press keys, one after another."""
        for key in keys:
            text = KEYS[key].get("text")
            for way in ("keyDown" if text else "rawKeyDown", "keyUp"):
                self._ask("Input.dispatchKeyEvent", type=way, key=key, **KEYS[key])

    def send_by(self, key: str) -> None:
        """Press a key, and wait for the page that comes of it."""
        self._chromium.forget("Page.loadEventFired")
        self.press(key)
        self._chromium.wait_for("Page.loadEventFired", self._session)

    def write(self, text: str) -> None:
        """Write into what has the focus."""
        self._ask("Input.insertText", text=text)

    def picture(self) -> bytes:
        """Return the whole page as PNG."""
        whole = self._ask("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": whole["width"], "height": whole["height"], "scale": 1}
        shot = self._ask("Page.captureScreenshot", format="png", captureBeyondViewport=True, clip=clip)
        return base64.b64decode(shot["data"])


def _pipe() -> tuple[int, int]:
    """Return a pipe whose ends are above 9: where the browser's own are put, neither is in the way."""
    ends = os.pipe()
    high = tuple(fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in ends)
    for end in ends:
        os.close(end)
    return high[0], high[1]


def _write(end: int, message: bytes) -> None:
    while message:
        message = message[os.write(end, message) :]
