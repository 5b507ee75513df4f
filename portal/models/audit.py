"""Who did what, to which run, scenario version, environment or token, and from where. Entries are added, never changed.

They hold names instead of foreign keys: an entry outlives what it tells of. On PostgreSQL a trigger refuses what gets
past this model.
"""

from __future__ import annotations

from typing import Any, NoReturn  # Any: Django's own arguments

from django.db import models
from django.utils import timezone

from portal.core.access import Actor

REFUSAL = "The audit log can only be added to."


class Deed(models.TextChoices):
    RUN_REQUESTED = "run.requested", "run requested"
    RUN_STOPPED = "run.stopped", "run stopped"
    RUN_APPROVED = "run.approved", "run approved"
    RUN_REFUSED = "run.refused", "run refused"
    ACCESS_REFUSED = "access.refused", "access refused"
    LOGIN_LOCKED = "login.locked", "log-in locked"
    KILL_SWITCH_ON = "kill_switch.on", "kill switch on"
    KILL_SWITCH_OFF = "kill_switch.off", "kill switch off"
    SCENARIO_SAVED = "scenario.saved", "scenario saved"
    SCENARIO_DELETED = "scenario.deleted", "scenario deleted"
    BASELINE_ACCEPTED = "baseline.accepted", "baseline accepted"
    ENVIRONMENT_SAVED = "environment.saved", "environment saved"
    ENVIRONMENT_DELETED = "environment.deleted", "environment deleted"
    TOKEN_CREATED = "token.created", "token created"
    TOKEN_CHANGED = "token.changed", "token changed"
    TOKEN_DELETED = "token.deleted", "token deleted"
    USER_SAVED = "user.saved", "user saved"
    USER_DELETED = "user.deleted", "user deleted"
    ROLE_SAVED = "role.saved", "role saved"
    ROLE_DELETED = "role.deleted", "role deleted"


class AppendOnly(Exception):
    """Somebody tried to change or remove an entry of the audit log."""


class AuditQuerySet(models.QuerySet["AuditEntry"]):
    def seen_by(self, actor: Actor) -> AuditQuerySet:
        return self if actor.environments is None else self.filter(environment__in=actor.environments)

    def update(self, **columns: Any) -> NoReturn:
        raise AppendOnly(REFUSAL)

    def delete(self) -> NoReturn:
        raise AppendOnly(REFUSAL)

    def bulk_update(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise AppendOnly(REFUSAL)


class AuditEntry(models.Model):
    at = models.DateTimeField(default=timezone.now, db_index=True)
    who = models.CharField(max_length=150)
    way = models.CharField(max_length=20, help_text="How they showed who they are.")
    token = models.CharField(max_length=20, blank=True, help_text="Public part of the token they used.")
    ip = models.GenericIPAddressField("address", null=True)
    agent = models.CharField(max_length=200, blank=True)
    deed = models.CharField(max_length=30, choices=Deed.choices)
    run = models.CharField(max_length=32, blank=True, db_index=True)
    scenario = models.CharField(max_length=120, blank=True, help_text="With its version.")
    environment = models.CharField(max_length=100, blank=True)
    subject = models.CharField(max_length=200, blank=True, help_text="Any other thing it was done to.")
    detail = models.JSONField(default=dict)

    objects = AuditQuerySet.as_manager()

    class Meta:
        ordering = ("-at", "-id")
        verbose_name, verbose_name_plural = "audit entry", "audit entries"

    def __str__(self) -> str:
        thing = self.run or self.scenario or self.subject or self.environment
        return f"{self.who}: {self.get_deed_display()} {thing}".strip()

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise AppendOnly(REFUSAL)
        super().save(*args, **{**kwargs, "force_insert": True})

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise AppendOnly(REFUSAL)
