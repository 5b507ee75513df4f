"""Creates an API token. The secret is in the answer and nowhere else."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any  # Any: a user of whatever model

from django.db import transaction

from portal.core.access import Action, Actor
from portal.core.errors import RequestRejected
from portal.models import ApiToken, Environment
from portal.models.audit import Deed
from portal.usecases.record_audit import record


def create_token(
    name: str, user: Any, *, by: Actor, scopes: Iterable[str] = (), environments: Iterable[str] = (),
    expires: datetime | None = None,
) -> tuple[ApiToken, str]:  # fmt: skip
    """The row and the whole token. Empty `scopes`: the usual; empty `environments`: everywhere. May be refused."""
    if by.name != user.get_username():
        by.must(Action.ADMIN)
    names = list(dict.fromkeys(environments))
    row = ApiToken(name=name[:100], user=user, expires=expires, everywhere=not names)
    if chosen := list(dict.fromkeys(scopes)):
        row.scopes = chosen
    token = row.renew()
    with transaction.atomic():
        row.save()
        row.environments.set(_environments(names))
        record(by, Deed.TOKEN_CREATED, subject=str(row), user=user.get_username(), scopes=row.scopes, environments=names or None)
    return row, token


def _environments(names: list[str]) -> list[Environment]:
    found = {row.name: row for row in Environment.objects.filter(name__in=names)}
    for name in names:
        if name not in found:
            raise RequestRejected.because("environment", f"There is no environment {name!r}.")
    return list(found.values())
