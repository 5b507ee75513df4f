"""A real browser before a real portal and a real shop. Chromium comes from the system; nothing is downloaded."""

from __future__ import annotations

import http.client
import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, expect, sync_playwright

from tests.portal_process import PortalProcess
from tests.shop_process import ShopProcess

PASSWORD = "a password for tests"
PATIENCE_MS = 60_000
"""Only something that hangs takes this long."""
LONG = ("--backend", "lambda", "--vus", "6", "--duration", "10m", "--workers", "2")
SHORT = ("--backend", "lambda", "--vus", "4", "--duration", "12s", "--workers", "2")
WIDE, PHONE = (1440, 1000), (390, 844)

# Playwright leaves an event loop running, in which Django's ORM would refuse to work: rows are made by the portal's commands.
expect.set_options(timeout=PATIENCE_MS)


def chromium() -> str:
    found = shutil.which(os.environ.get("CHROMIUM_BIN") or "chromium")
    if not found:
        pytest.fail("There is no Chromium here. Install it (`apt-get install chromium`) or set CHROMIUM_BIN.", pytrace=False)
    return found


@dataclass
class Viewer:
    """A logged-in browser window, and all that went wrong in it."""

    page: Page
    portal: PortalProcess
    complaints: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)

    def watch(self) -> None:
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", self._request)

    def log_in(self, name: str = "admin") -> None:
        self.page.goto(f"{self.portal.url}/admin/")
        self.page.fill("#id_username", name)
        self.page.fill("#id_password", PASSWORD)
        self.page.keyboard.press("Enter")
        self.page.wait_for_url(f"{self.portal.url}/admin/")

    def open_run(self, run_id: str) -> None:
        self.page.goto(f"{self.portal.url}/admin/portal/run/{run_id}/change/")

    def resize(self, size: tuple[int, int]) -> None:
        self.page.set_viewport_size({"width": size[0], "height": size[1]})

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    def _request(self, request: Request) -> None:
        if not request.url.startswith((f"{self.portal.url}/", "data:", "blob:")):
            self.foreign.append(request.url)


@pytest.fixture(scope="session")
def shop() -> Iterator[ShopProcess]:
    with ShopProcess() as shop:
        yield shop


@pytest.fixture(scope="session")
def portal(shop: ShopProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PortalProcess]:
    folder: Path = tmp_path_factory.mktemp("portal")
    process = PortalProcess(folder, shop.targets)
    process.prepare()
    make = f"from django.contrib.auth import get_user_model as m; m().objects.create_superuser('admin', password='{PASSWORD}')"
    process.manage("shell", "-v", "0", "-c", make)
    process.start()
    _wait_for(process)
    yield process
    process.stop()


def _wait_for(portal: PortalProcess) -> None:
    until = time.monotonic() + PATIENCE_MS / 1000
    while True:
        try:
            return http.client.HTTPConnection(portal.bind).connect()
        except OSError:
            assert time.monotonic() < until, portal.log()
            time.sleep(0.2)


@pytest.fixture(scope="session")
def ended(portal: PortalProcess) -> str:
    """A run that is over."""
    run_id = portal.begin("k6-burst", *SHORT)
    portal.wait_end(run_id)
    return run_id


@pytest.fixture(scope="session")
def chrome() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def viewer(chrome: Browser, portal: PortalProcess) -> Iterator[Viewer]:
    """The administrator's window."""
    yield from _window(chrome, portal, "admin")


@pytest.fixture
def approver(chrome: Browser, portal: PortalProcess) -> Iterator[Viewer]:
    """The window of somebody who may approve runs and not start any."""
    program = (
        "from django.contrib.auth import get_user_model as m; from django.contrib.auth.models import Group;"
        f"u = m().objects.create_user('anton', password='{PASSWORD}', is_staff=True);"
        "u.groups.add(Group.objects.get(name='approver'))"
    )
    portal.manage("shell", "-v", "0", "-c", program)
    yield from _window(chrome, portal, "anton")


def _window(chrome: Browser, portal: PortalProcess, name: str) -> Iterator[Viewer]:
    """Fails the test when the browser complained or asked anybody but the portal."""
    context = chrome.new_context(viewport={"width": WIDE[0], "height": WIDE[1]})
    context.set_default_timeout(PATIENCE_MS)
    found = Viewer(context.new_page(), portal)
    found.log_in(name)
    found.watch()
    yield found
    context.close()
    assert not found.complaints
    assert not found.foreign
