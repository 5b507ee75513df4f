"""`manage.py infra`: the stacks of an environment made, changed, looked at and deleted."""

from __future__ import annotations

import argparse
import sys
from typing import Any  # Any: options, as Django hands them over

from django.core.management.base import BaseCommand, CommandError

from portal.core.errors import Conflict, PortalError, RequestRejected
from portal.management.infra import actions
from portal.management.infra.arguments import add_actions, check_environment

REFUSED = 2


class Command(BaseCommand):
    help = "Deploy on AWS: deploy, diff, status, outputs, delete, launch-url."
    requires_system_checks: list[str] = []  # noqa: RUF012  (Django's own convention; every call would check the engines)

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        add_actions(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        known = {"deploy": actions.deploy, "diff": actions.diff, "status": actions.status, "outputs": actions.outputs,
                 "delete": actions.delete, "launch-url": actions.launch_url}  # fmt: skip
        try:
            check_environment(options["env"])
            known[options["action"]](options, actions.Screen(sys.stdout, sys.stdin))
        except RequestRejected as error:
            for problem in error.problems:
                sys.stderr.write(f"{problem}\n")
            sys.exit(REFUSED)
        except Conflict as error:
            sys.stderr.write(f"{error.message} {error.hint}".strip() + "\n")
            sys.exit(REFUSED)
        except PortalError as error:
            raise CommandError(f"{error.message} {error.hint}".strip()) from error
        except KeyboardInterrupt as error:
            raise CommandError("Left. What CloudFormation has begun goes on; `infra status` looks again.") from error
