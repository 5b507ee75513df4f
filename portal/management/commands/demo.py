"""`manage.py demo`: shop and portal on this machine, one k6 run and one Artillery run, both verdicts; then it stays up."""

from __future__ import annotations

import argparse
import contextlib
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any  # Any: options, as Django hands them over

from django.conf import settings
from django.core.management import BaseCommand, CommandError, call_command

from portal.management.supervisor import stop_with_parent

SHOP_HEALTH = tuple(f"http://127.0.0.1:{port}/health" for port in range(18101, 18105))
RUNS = (
    ("k6 as lambda, 4 workers", ["k6-burst", "--backend", "lambda", "--vus", "40", "--duration", "20s", "--workers", "4"]),
    ("Artillery as fargate, 2 workers", ["journey", "--backend", "fargate", "--workers", "2"]),
)
PATIENCE_SECONDS = 120.0


class Command(BaseCommand):
    help = "Start the sample shop and the portal, run k6 and Artillery against the shop, print both verdicts."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--once", action="store_true", help="end after the runs, with the verdict as exit code")

    def handle(self, *args: Any, **options: Any) -> None:
        self._prepare()
        with self._shop(), self._portal():
            code = max(self._run(title, words) for title, words in RUNS)
            self._say(f"All runs: {settings.CONFIG.public_url}/admin/portal/run/")
            if not options["once"]:
                self._say("The portal stays up. Ctrl-C ends it.")
                with contextlib.suppress(KeyboardInterrupt):
                    signal.pause()
        if options["once"] and code:
            sys.exit(code)

    def _prepare(self) -> None:
        self._title("Preparing")
        call_command("migrate", interactive=False, verbosity=0)
        call_command("catalog", stdout=self.stdout)
        call_command("setup_admin", stdout=self.stdout)

    def _run(self, title: str, words: list[str]) -> int:
        """The CLI as a user calls it; its exit code is the verdict."""
        self._title(title)
        self._say("$ manage.py loadtest run " + " ".join(words) + " --environment local --wait")
        command = [sys.executable, "manage.py", "loadtest", "run", *words, "--environment", "local", "--wait"]
        return subprocess.run(command, cwd=settings.BASE_DIR, check=False).returncode

    @contextlib.contextmanager
    def _shop(self) -> Iterator[None]:
        """The sample services, unless they run already."""
        if all(map(_answers, SHOP_HEALTH)):
            self._say("The shop runs already.")
            yield
            return
        with self._child("The shop", [sys.executable, "-m", "loadtests.shop"], SHOP_HEALTH):
            yield

    @contextlib.contextmanager
    def _portal(self) -> Iterator[None]:
        page = f"{settings.CONFIG.public_url}/admin/login/"
        if _answers(page):
            raise CommandError(
                f"Something answers at {settings.CONFIG.public_url} already; end it or set KNOPFDRUCK_BIND=host:port."
            )
        with self._child("The portal", [sys.executable, "manage.py", "portal"], (page,)):
            self._say(f"The portal is up: {settings.CONFIG.public_url}/")
            yield

    @contextlib.contextmanager
    def _child(self, name: str, argv: list[str], urls: tuple[str, ...]) -> Iterator[None]:
        """A process that answers at `urls`; ended, by its pid, with this one."""
        process = subprocess.Popen(argv, cwd=settings.BASE_DIR, start_new_session=True, preexec_fn=stop_with_parent)
        try:
            until = time.monotonic() + PATIENCE_SECONDS
            while not all(map(_answers, urls)):
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

    def _title(self, text: str) -> None:
        self._say(f"\n== {text} ==")

    def _say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return int(answer.status) == 200
    except (OSError, urllib.error.URLError):
        return False
