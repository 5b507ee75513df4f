"""`manage.py setup_admin`: makes the user `admin` with a random password, printed once."""

from __future__ import annotations

import argparse
import secrets
from typing import Any  # Any: options, as Django hands them over

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand


class Command(BaseCommand):
    help = "Create the superuser `admin` with a random password; --reset gives an existing one a new password."
    requires_system_checks: list[str] = []  # noqa: RUF012  (Django's own convention)

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--username", default="admin")
        parser.add_argument("--reset", action="store_true", help="give a user who is there already a new password")

    def handle(self, *args: Any, **options: Any) -> None:
        users = get_user_model().objects
        password = secrets.token_urlsafe(12)
        user = users.filter(username=options["username"]).first()
        if user is None:
            users.create_superuser(options["username"], password=password)
        elif options["reset"]:
            user.set_password(password)
            user.save(update_fields=["password"])
        else:
            self.stdout.write(f"User {options['username']} exists already; its password stays. --reset gives it a new one.")
            return
        self.stdout.write(f"User {options['username']}, password {password} (shown once: keep it now).")
