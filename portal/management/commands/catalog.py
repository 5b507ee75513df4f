"""`manage.py catalog`: imports the sample scenarios and makes the environment `local`. May be repeated."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any  # Any: options, as Django hands them over

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from portal.core.errors import PortalError
from portal.usecases.identify_actor import command_line_actor
from portal.usecases.import_catalog import ensure_local_environment, import_catalog
from portal.wiring import parts


class Command(BaseCommand):
    help = "Import the scenarios of a catalog file and create the environment `local`."
    requires_system_checks: list[str] = []  # noqa: RUF012  (Django's own convention)

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        default = Path(settings.BASE_DIR) / "loadtests" / "catalog.yaml"
        parser.add_argument("file", nargs="?", type=Path, default=default)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            imported = import_catalog(options["file"], parts(), by=command_line_actor())
        except PortalError as error:
            raise CommandError(f"{error.message} {error.hint}".strip()) from error
        for entry in imported:
            self.stdout.write(f"{entry.version} {'imported' if entry.is_new else 'is up to date'}")
        environment, is_new = ensure_local_environment(by=command_line_actor())
        self.stdout.write(f"Environment {environment.name} {'created' if is_new else 'was there'}")
