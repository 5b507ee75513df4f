"""token: makes an API token for a user and prints it, once."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any, TextIO  # Any: options, as argparse has them

from django.contrib.auth import get_user_model
from django.utils import timezone

from portal.core.duration import HINT, parse_duration
from portal.core.errors import RequestRejected
from portal.management.loadtest.runs import print_json
from portal.models import ApiToken


def make_token(options: dict[str, Any], out: TextIO) -> None:
    row = ApiToken(name=options["name"][:100], user=_user(options["user"]))
    if options["expires"]:
        try:
            row.expires = timezone.now() + _span(options["expires"])
        except ValueError as error:
            raise RequestRejected.because("--expires", str(error), HINT) from error
    token = row.renew()
    row.save()
    if options["json"]:
        print_json({"name": row.name, "user": row.user.get_username(), "token": token}, out)
    else:
        out.write(f"{token}\nThis token of {row.user.get_username()} is shown once: keep it now.\n")


def _span(text: str) -> timedelta:
    """Whole days up to ten years beside what other durations may be: tokens live longer than runs."""
    days = re.fullmatch(r"(\d{1,4})d", text)
    return timedelta(days=min(int(days[1]), 3653)) if days else parse_duration(text)


def _user(name: str | None) -> Any:
    users = get_user_model().objects.filter(is_active=True)
    found = users.filter(username=name).first() if name else users.filter(is_superuser=True).order_by("pk").first()
    if found is None:
        raise RequestRejected.because(
            "--user",
            f"There is no active user {name!r}." if name else "There is no superuser yet.",
            "`manage.py setup_admin` makes one.",
        )
    return found
