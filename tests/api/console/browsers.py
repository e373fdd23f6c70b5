"""Starts the system's Chromium for tests, without network of its own and with a fresh profile."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Request, sync_playwright

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
NAMES = ("chromium", "chromium-browser", "google-chrome")
_NOT_FOUND = "Failed to load resource: the server responded with a status of 4"


@contextmanager
def chromium() -> Iterator[Browser]:
    """Starts the system's Chromium; without one the test is skipped with the reason."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        pytest.skip("no Chromium here: requirements/browser installs it (Debian, as root)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=ARGUMENTS)
        yield browser
        browser.close()


class Watched:
    """A browser window that records errors, warnings and requests.

    Attributes:
        page: The page.
        complaints: Errors and warnings of the browser, except for pages that were not found.
        requested: Every address that the page requested.
    """

    def __init__(self, context: BrowserContext) -> None:
        self.page: Page = context.new_page()
        self.complaints: list[str] = []
        self.requested: list[str] = []
        self.page.on("console", lambda message: self._note(message.text, message.type))
        self.page.on("pageerror", lambda error: self._note(str(error)))
        self.page.on("request", lambda request: self.requested.append(request.url))
        self.page.on("requestfailed", self._failed)

    @property
    def hosts(self) -> set[str]:
        """Every host that received a request."""
        return {urlsplit(url).netloc for url in self.requested}

    def _failed(self, request: Request) -> None:
        if request.failure == "csp":  # the browser itself held it back
            self.requested.remove(request.url)

    def _note(self, text: str, kind: str = "error") -> None:
        if kind in ("error", "warning") and _NOT_FOUND not in text:
            self.complaints.append(text)


@contextmanager
def window(browser: Browser, base_url: str, **wanted: object) -> Iterator[Watched]:
    """Opens a window with a fresh profile: English, light and 1280 wide by default."""
    usual: dict[str, Any] = {"locale": "en-US", "viewport": {"width": 1280, "height": 900}}
    context = browser.new_context(base_url=base_url, **(usual | wanted))
    context.set_default_timeout(30_000)
    watched = Watched(context)
    try:
        yield watched
    finally:
        shots = os.environ.get("HERTZ_SCREENSHOTS")  # a folder, to look at what a test saw last
        if shots:
            name = os.environ["PYTEST_CURRENT_TEST"].split("::")[-1].split(" ")[0]
            watched.page.screenshot(path=Path(shots) / f"{name.replace('/', '_')}.png")
        context.close()
