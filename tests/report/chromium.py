"""A headless Chromium that tests drive by the DevTools protocol, over a pipe: no port, no client library."""

import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

PROGRAM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
_FLAGS = (
    "--headless=new",
    "--no-sandbox",  # root cannot use the sandbox; the pages are our own
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-sync",
    "--no-first-run",
    "--hide-scrollbars",
    "--force-color-profile=srgb",
    "--remote-debugging-pipe",
)
_SECONDS = 60


class Browser:
    """A running Chromium with one page."""

    def __init__(self, requests: int, answers: int) -> None:
        self._requests, self._answers = requests, answers
        self._left = b""
        self._number = 0
        self._session: str | None = None
        self.events: list[dict[str, Any]] = []

    def attach(self) -> None:
        """Open a page, and record its requests, its messages and its errors."""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network", "Security"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Return the result of a command of the protocol."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session is not None:
            message["sessionId"] = self._session
        os.write(self._requests, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self._number:
                assert "error" not in answer, (method, answer["error"])
                return answer["result"]
            self.events.append(answer)

    def wait_for(self, method: str) -> dict[str, Any]:
        """Return the parameters of the next event `method`."""
        while True:
            event = self._next()
            self.events.append(event)
            if event.get("method") == method:
                return event["params"]

    def value(self, expression: str) -> Any:
        """Return the JSON value of a JavaScript `expression`; a promise is awaited."""
        found = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def open(
        self, page: Path, width: int = 1280, height: int = 900, scheme: str = "light", *, scripts: bool = True
    ) -> None:
        """Open the file `page` in a window of `width` x `height` CSS pixels, with the colour scheme `scheme`.

        With `scripts`, return when all charts are drawn.
        """
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 600,
        )
        self.set_scheme(scheme)
        self.events.clear()
        self.call("Emulation.setScriptExecutionDisabled", value=not scripts)
        self.call("Page.navigate", url=page.resolve().as_uri())
        self.wait_for("Page.loadEventFired")
        if scripts:
            self.wait_until("document.documentElement.dataset.charts === 'drawn'")

    def set_scheme(self, scheme: str, media: str = "") -> None:
        """Set the colour scheme of the system, and the medium: screen or print."""
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.call("Emulation.setEmulatedMedia", media=media, features=features)

    def wait_until(self, condition: str) -> None:
        """Return when the JavaScript `condition` is true."""
        deadline = time.monotonic() + _SECONDS
        while not self.value(condition):
            assert time.monotonic() < deadline, f"never true: {condition}"
            time.sleep(0.05)

    def press(self, key: str) -> None:
        """Press and release `key`, such as Tab or ArrowRight."""
        text = {"text": "\r"} if key == "Enter" else {}
        named = {"key": key, "code": key, "windowsVirtualKeyCode": _KEYS[key]}
        self.call("Input.dispatchKeyEvent", type="keyDown", **named, **text)
        self.call("Input.dispatchKeyEvent", type="keyUp", **named)

    def named(self, method: str) -> list[dict[str, Any]]:
        """Return the parameters of all events `method` since the page was opened."""
        return [event["params"] for event in self.events if event.get("method") == method]

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._left:
            chunk = os.read(self._answers, 1 << 16)
            assert chunk, "Chromium has ended"
            self._left += chunk
        message, _, self._left = self._left.partition(b"\0")
        return json.loads(message)


_KEYS = {"Tab": 9, "Enter": 13, "ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40, "Home": 36}


@contextmanager
def chromium() -> Iterator[Browser]:
    """Yield a browser with one page. Its profile is temporary."""
    assert PROGRAM is not None
    profile = tempfile.mkdtemp(prefix="chromium-")
    to_browser, requests = os.pipe()
    answers, from_browser = os.pipe()
    # Chromium reads commands from descriptor 3 and writes to descriptor 4.
    redirect = f'exec "$@" 3<&{to_browser} 4>&{from_browser}'
    command = ["bash", "-c", redirect, "bash", PROGRAM, *_FLAGS, f"--user-data-dir={profile}", "about:blank"]
    process = subprocess.Popen(
        command,
        pass_fds=(to_browser, from_browser),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    os.close(to_browser)
    os.close(from_browser)
    try:
        browser = Browser(requests, answers)
        browser.attach()
        yield browser
    finally:
        os.close(requests)
        os.close(answers)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        shutil.rmtree(profile, ignore_errors=True)
