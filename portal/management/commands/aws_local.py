"""`manage.py aws_local`: AWS on this machine, with the very stacks and commands that make an environment on AWS."""

from __future__ import annotations

import argparse
import contextlib
import signal
import subprocess
import sys
from typing import Any  # Any: options, as Django hands them over

from django.conf import settings
from django.core.management import BaseCommand, CommandError, call_command

from infra_gen.emulator.process import Emulator, EmulatorFailed
from portal.management.running import running_portal, running_shop
from portal.wiring import data_dir

ENVIRONMENT, REGION = "aws-local", "eu-central-1"
TRIAL = ["loadtest", "run", "checkout-burst", "--environment", ENVIRONMENT, "--backend", "lambda", "--wait"]


class Command(BaseCommand):
    help = "Start an AWS emulator, deploy the stacks into it, start shop and portal: the button works through them."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--port", type=int, default=4566, help="of the emulator")
        parser.add_argument("--once", action="store_true", help="run a scenario on it and end, with the verdict as exit code")

    def handle(self, *args: Any, **options: Any) -> None:
        self._prepare()
        try:
            with Emulator(data_dir() / "aws-local", options["port"]) as emulator, running_shop(self._say):
                self._deploy(emulator.endpoint)
                with running_portal(self._say):
                    code = self._run() if options["once"] else self._stay()
        except EmulatorFailed as error:
            raise CommandError(str(error)) from error
        if code:
            sys.exit(code)

    def _prepare(self) -> None:
        call_command("migrate", interactive=False, verbosity=0)
        call_command("catalog", stdout=self.stdout)
        call_command("setup_admin", stdout=self.stdout)

    def _deploy(self, endpoint: str) -> None:
        """The portal runs here, beside the stacks; their API is a function that shares its database."""
        words = ["--env", "dev", "--endpoint-url", endpoint, "--region", REGION, "--as", ENVIRONMENT, "--yes"]
        self._say("$ manage.py infra deploy " + " ".join(words))
        config = settings.CONFIG
        ours = ("DeployPortal=false", "DeployApi=true", f"PublicUrl={config.public_url}", f"DatabaseUrl={config.database_url}",
                f"SecretKey={config.secret_key}")  # fmt: skip
        call_command("infra", "deploy", *words, *(word for setting in ours for word in ("--set", setting)))

    def _run(self) -> int:
        self._say("$ manage.py " + " ".join(TRIAL))
        return subprocess.run([sys.executable, "manage.py", *TRIAL], cwd=settings.BASE_DIR, check=False).returncode

    def _stay(self) -> int:
        self._say("Now, in another shell: .venv/bin/python manage.py " + " ".join(TRIAL))
        self._say("All of it stays up. Ctrl-C ends it; the emulator forgets everything then.")
        with contextlib.suppress(KeyboardInterrupt):
            signal.pause()
        return 0

    def _say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()
