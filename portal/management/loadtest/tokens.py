"""token: makes an API token for a user and prints it, once."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, TextIO  # Any: options, as argparse has them

from django.contrib.auth import get_user_model
from django.utils import timezone

from portal.core.duration import HINT
from portal.core.errors import RequestRejected
from portal.management.loadtest.runs import print_json
from portal.management.loadtest.spans import MOST_DAYS, parse_span
from portal.usecases.create_token import create_token
from portal.usecases.identify_actor import command_line_actor


def make_token(options: dict[str, Any], out: TextIO) -> None:
    row, token = create_token(
        options["name"], _user(options["user"]), by=command_line_actor(), scopes=options["scope"],
        environments=options["environment"], expires=_expires(options),
    )  # fmt: skip
    owner = row.user.get_username()
    if options["json"]:
        where = row.environment_names()
        said = {"name": row.name, "user": owner, "scopes": row.scopes, "environments": where and list(where), "token": token}
        print_json(said, out)
    else:
        out.write(f"{token}\nThis token of {owner} may {', '.join(row.scopes)}. It is shown once: keep it now.\n")


def _expires(options: dict[str, Any]) -> datetime | None:
    days, span = options["days"], options["expires"]
    if days is not None:
        if not 1 <= days <= MOST_DAYS:
            raise RequestRejected.because("--days", f"{days} is out of range.", f"Give 1 to {MOST_DAYS} days.")
        return timezone.now() + timedelta(days=days)
    if not span:
        return None
    try:
        return timezone.now() + parse_span(span)
    except ValueError as error:
        raise RequestRejected.because("--expires", str(error), HINT) from error


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
