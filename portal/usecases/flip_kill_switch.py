"""Stops everything and blocks new starts, or lifts that. Whoever may stop runs everywhere may stop them all; lifting is for
administrators."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from portal.core.access import Action, Actor
from portal.core.errors import Forbidden
from portal.core.run_state import EndReason
from portal.models import KillSwitch, Run
from portal.models.audit import Deed
from portal.usecases.end_run import end_run
from portal.usecases.record_audit import record
from portal.wiring import Parts


def stop_everything(parts: Parts, *, by: Actor, reason: str = "") -> int:
    """How many runs were told to stop. May be repeated. Raises Forbidden."""
    by.must(Action.STOP)
    if by.environments is not None:
        raise Forbidden("The kill switch is not for those who are limited to some environments.")
    with transaction.atomic():
        values = {"by": by.name[:150], "at": timezone.now(), "reason": reason[:500]}
        KillSwitch.objects.update_or_create(only=True, defaults=values)
        record(by, Deed.KILL_SWITCH_ON, reason=reason[:500])
    message = f"Everything was stopped by {by.name}."
    alive = list(Run.objects.alive().values_list("id", flat=True))
    return sum(end_run(run_id, EndReason.STOPPED_BY_USER, parts, message=message, hard=True, by=by.name) for run_id in alive)


def lift_kill_switch(*, by: Actor) -> bool:
    """Whether it was on. Raises Forbidden."""
    by.must(Action.ADMIN)
    with transaction.atomic():
        was_on = bool(KillSwitch.objects.all().delete()[0])
        if was_on:
            record(by, Deed.KILL_SWITCH_OFF)
    return was_on
