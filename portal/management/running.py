"""Runs what a demonstration needs beside this process, and ends it with it: the sample shop, the portal, what answers HTTP."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping

from django.conf import settings
from django.core.management import CommandError

from portal.management.supervisor import stop_with_parent

SHOP_HEALTH = tuple(f"http://127.0.0.1:{port}/health" for port in range(18101, 18105))
PATIENCE_SECONDS = 120.0
Say = Callable[[str], None]


@contextlib.contextmanager
def running_shop(say: Say) -> Iterator[None]:
    """The sample services, unless they run already."""
    if all(map(answers, SHOP_HEALTH)):
        say("The shop runs already.")
        yield
        return
    with running("The shop", [sys.executable, "-m", "loadtests.shop"], SHOP_HEALTH):
        yield


@contextlib.contextmanager
def running_portal(say: Say, variables: Mapping[str, str] | None = None) -> Iterator[None]:
    page = f"{settings.CONFIG.public_url}/admin/login/"
    if answers(page):
        raise CommandError(f"Something answers at {settings.CONFIG.public_url} already; end it or set KNOPFDRUCK_BIND=host:port.")
    with running("The portal", [sys.executable, "manage.py", "portal"], (page,), variables):
        say(f"The portal is up: {settings.CONFIG.public_url}/")
        yield


@contextlib.contextmanager
def running(name: str, argv: list[str], urls: tuple[str, ...], variables: Mapping[str, str] | None = None) -> Iterator[None]:
    """A process that answers at `urls`; ended, by its pid, with this one."""
    environment = {**os.environ, **(variables or {})}
    process = subprocess.Popen(argv, cwd=settings.BASE_DIR, env=environment, start_new_session=True, preexec_fn=stop_with_parent)
    try:
        until = time.monotonic() + PATIENCE_SECONDS
        while not all(map(answers, urls)):
            if process.poll() is not None or time.monotonic() > until:
                raise CommandError(f"{name} did not start.")
            time.sleep(0.2)
        yield
    finally:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(30)
        if process.poll() is None:
            process.kill()


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return int(answer.status) == 200
    except (OSError, urllib.error.URLError):
        return False
