"""`manage.py demo`: shop and portal on this machine, one k6 run and one Artillery run, both verdicts; then it stays up."""

from __future__ import annotations

import argparse
import contextlib
import signal
import subprocess
import sys
from typing import Any  # Any: options, as Django hands them over

from django.conf import settings
from django.core.management import BaseCommand, call_command

from portal.management.running import running_portal, running_shop

RUNS = (
    ("k6 as lambda, 4 workers", ["k6-burst", "--backend", "lambda", "--vus", "40", "--duration", "20s", "--workers", "4"]),
    ("Artillery as fargate, 2 workers", ["journey", "--backend", "fargate", "--workers", "2"]),
)


class Command(BaseCommand):
    help = "Start the sample shop and the portal, run k6 and Artillery against the shop, print both verdicts."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--once", action="store_true", help="end after the runs, with the verdict as exit code")

    def handle(self, *args: Any, **options: Any) -> None:
        self._prepare()
        with running_shop(self._say), running_portal(self._say):
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

    def _title(self, text: str) -> None:
        self._say(f"\n== {text} ==")

    def _say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()
