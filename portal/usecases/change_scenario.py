"""Changes what stands beside a scenario's script: title, description, shelf, thresholds of its own. Makes no version."""

from __future__ import annotations

from collections.abc import Mapping

from django.db import transaction

from portal.core.access import Action, Actor
from portal.models import Scenario
from portal.models.audit import Deed
from portal.usecases.record_audit import record


def change_scenario(row: Scenario, changes: Mapping[str, object], *, by: Actor) -> Scenario:
    """`changes` as `drafts.parse_shelf` gives them. Raises Forbidden."""
    by.must(Action.AUTHOR)
    for name, value in changes.items():
        setattr(row, name, value)
    with transaction.atomic():
        row.save(update_fields=[*changes, "updated"])
        record(by, Deed.SCENARIO_SAVED, scenario=row.name, changed=dict(changes))
    return row
