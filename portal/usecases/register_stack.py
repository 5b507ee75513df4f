"""Fills the portal's environment from what a deployed stack says about itself, so that the button works at once."""

from __future__ import annotations

from collections.abc import Mapping

from django.db import transaction

from portal.core.access import Action, Actor
from portal.core.aws_place import AwsPlace
from portal.core.wire import to_plain
from portal.models import Environment
from portal.models.audit import Deed
from portal.models.environment import Place
from portal.usecases.record_audit import record


def register_stack(
    name: str, outputs: Mapping[str, str], *, region: str, endpoint_url: str, profile: str, by: Actor,
    targets: Mapping[str, str] | None = None,
) -> Environment:  # fmt: skip
    """Creates the environment or points it at the stack; what it says about targets and guard rails stays. Raises Forbidden."""
    by.must(Action.ADMIN, name)
    place = AwsPlace.from_outputs(outputs, region=region, endpoint_url=endpoint_url, profile=profile)
    with transaction.atomic():
        row, is_new = Environment.objects.get_or_create(name=name, defaults={"targets": dict(targets or {})})
        if is_new:
            row.description = f"Deployed in {place.region}" + (" on an emulator." if endpoint_url else ".")
        row.place, row.aws = Place.AWS, to_plain(place)
        row.save()
        record(by, Deed.ENVIRONMENT_SAVED, environment=row.name, targets=row.targets, guard=to_plain(row.guard()))
    return row
