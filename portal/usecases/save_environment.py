"""Creates an environment, or replaces what one says: all that is not given is empty afterwards."""

from __future__ import annotations

from dataclasses import asdict

from django.db import IntegrityError, transaction

from portal.core.access import Action, Actor
from portal.core.drafts import EnvironmentDraft
from portal.core.errors import Conflict
from portal.core.wire import to_plain
from portal.models import Environment
from portal.models.audit import Deed
from portal.usecases.record_audit import record


def create_environment(draft: EnvironmentDraft, *, by: Actor) -> Environment:
    """Raises Forbidden, and Conflict where the name is taken."""
    by.must(Action.ADMIN)
    try:
        with transaction.atomic():
            row = Environment.objects.create(**asdict(draft))
            _tell(row, by)
    except IntegrityError as error:
        raise Conflict(
            f"There is an environment {draft.name} already.", hint=f"PUT /environments/{draft.name} changes it."
        ) from error
    return row


def replace_environment(row: Environment, draft: EnvironmentDraft, *, by: Actor) -> Environment:
    """Raises Forbidden. Runs that were asked for before keep what they were planned with."""
    by.must(Action.ADMIN, row.name)
    for name, value in asdict(draft).items():
        setattr(row, name, value)
    with transaction.atomic():
        row.save()
        _tell(row, by)
    return row


def _tell(row: Environment, by: Actor) -> None:
    record(by, Deed.ENVIRONMENT_SAVED, environment=row.name, targets=row.targets, guard=to_plain(row.guard()))
