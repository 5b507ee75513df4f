"""One execution of a scenario version. State moves only by `advance`, and only the winner of it acts."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from datetime import datetime
from typing import Any  # Any: the columns a caller sets beside the state.

from django.db import models, transaction
from django.utils import timezone

from portal.core.access import Actor
from portal.core.aws_place import AwsPlace
from portal.core.health import Trust
from portal.core.plan import LoadPlan
from portal.core.run_state import ALIVE, TRANSITIONS, WATCHED, EndReason, RunState
from portal.core.verdict import Outcome
from portal.core.wire import from_plain
from portal.models.environment import Environment
from portal.models.event import EventKind, RunEvent
from portal.models.indexes import SqliteIndex
from portal.models.scenario import ScenarioVersion


class BackendName(models.TextChoices):
    LAMBDA = "lambda", "Lambda"
    FARGATE = "fargate", "Fargate"
    EC2 = "ec2", "EC2"


def new_run_id() -> str:
    """Sortable by day and readable aloud: 20261124-3f9a1c2b."""
    return f"{timezone.now():%Y%m%d}-{secrets.token_hex(4)}"


def _choices(names: Iterable[str]) -> list[tuple[str, str]]:
    return [(str(name), str(name).replace("_", " ")) for name in names]


class RunQuerySet(models.QuerySet["Run"]):
    def seen_by(self, actor: Actor) -> RunQuerySet:
        return self if actor.environments is None else self.filter(environment__name__in=actor.environments)

    def alive(self) -> RunQuerySet:
        return self.filter(state__in=ALIVE)

    def watched(self) -> RunQuerySet:
        return self.filter(state__in=WATCHED)

    def advance(self, run_id: str, new: RunState, *, old: Iterable[RunState] | None = None, **columns: Any) -> bool:
        """Compare-and-set of the state; False when another process was first or the move is not allowed."""
        allowed = [state for state in (old or RunState) if new in TRANSITIONS[state]]
        now = timezone.now()
        with transaction.atomic():
            moved = self.filter(pk=run_id, state__in=allowed).update(state=new, state_since=now, **columns)
            if moved:
                text = columns.get("message", "")
                RunEvent.objects.create(run_id=run_id, at=now, kind=EventKind.STATE, state=new, text=text)
        return moved == 1

    def due(self, now: float) -> RunQuerySet:
        return self.watched().filter(lease_until__lte=now, next_poll__lte=now)

    def lease(self, run_id: str, *, owner: str, now: float, seconds: float, again_in: float) -> bool:
        """One UPDATE decides who polls a run; the lease of a dead owner runs out."""
        taken = self.due(now).filter(pk=run_id)
        return taken.update(lease_owner=owner, lease_until=now + seconds, next_poll=now + again_in) == 1

    def lease_launch(self, run_id: str, *, owner: str, now: float, seconds: float) -> bool:
        """The same lease for the launch job, which counts its attempts: a launch that kills its process ends too."""
        mine = self.filter(pk=run_id, state__in=(RunState.PLANNING, RunState.LAUNCHING), lease_until__lte=now)
        attempts = models.F("launch_attempts") + 1
        return mine.update(lease_owner=owner, lease_until=now + seconds, next_poll=0, launch_attempts=attempts) == 1

    def release(self, run_id: str, *, owner: str) -> bool:
        """False when the lease was somebody else's, who keeps it."""
        return self.filter(pk=run_id, lease_owner=owner).update(lease_owner="", lease_until=0) == 1


class Run(models.Model):
    id = models.CharField(primary_key=True, max_length=32, default=new_run_id, editable=False)
    version = models.ForeignKey(ScenarioVersion, on_delete=models.PROTECT, related_name="runs")
    environment = models.ForeignKey(Environment, on_delete=models.PROTECT, related_name="runs")
    backend = models.CharField(max_length=20, choices=BackendName.choices)
    state = models.CharField(max_length=20, choices=_choices(RunState), default=RunState.QUEUED)
    state_since = models.DateTimeField(default=timezone.now)
    end_reason = models.CharField(max_length=20, choices=_choices(EndReason), blank=True)
    verdict = models.CharField(max_length=20, choices=_choices(Outcome), blank=True)
    trust = models.CharField(max_length=20, choices=_choices(Trust), blank=True, help_text="What its data is worth.")
    message = models.TextField(blank=True, help_text="What went wrong, in the engine's or the system's own words.")
    plan = models.JSONField()
    aws = models.JSONField(default=dict, blank=True, help_text="Its environment's place in AWS when it was asked for.")
    workers = models.PositiveIntegerField(default=1)
    tags = models.JSONField(default=dict, blank=True)
    note = models.TextField(blank=True)
    requested_by = models.CharField(max_length=150, blank=True)
    idempotency_key = models.CharField(max_length=200, null=True, unique=True)
    request_digest = models.CharField(max_length=64, blank=True)
    progress = models.JSONField(default=dict, blank=True, help_text="The newest merged second, for lists and progress lines.")
    created = models.DateTimeField(default=timezone.now, db_index=True)
    started = models.DateTimeField(null=True)
    ended = models.DateTimeField(null=True)
    approved_by = models.CharField(max_length=150, blank=True)
    cost = models.FloatField(default=0, help_text="USD, estimated before the start.")
    stop_requested_by = models.CharField(max_length=150, blank=True)
    launch_attempts = models.PositiveIntegerField(default=0)
    revived = models.DateTimeField(null=True, help_text="When a lost job was last asked for again.")
    pruned = models.BooleanField(default=False, help_text="Its raw data is no longer in the store.")
    lease_owner = models.CharField(max_length=100, blank=True)
    lease_until = models.FloatField(default=0)
    next_poll = models.FloatField(default=0)

    objects = RunQuerySet.as_manager()

    class Meta:
        ordering = ("-created",)
        permissions = (("stop_run", "Can stop runs"), ("approve_run", "Can approve runs"))
        indexes = (
            models.Index(fields=("state", "next_poll"), name="run_due"),
            models.Index(fields=("-created", "-id"), name="run_newest"),
            models.Index(fields=("-started", "-id"), name="run_last_started"),
            models.Index(fields=("-ended", "-id"), name="run_last_ended"),
            models.Index(fields=("version", "-created"), name="run_of_version"),
            models.Index(fields=("environment", "-created"), name="run_of_environment"),
            models.Index(fields=("state", "-created"), name="run_in_state"),
            models.Index(fields=("verdict", "-created"), name="run_with_verdict"),
            models.Index(fields=("requested_by", "-created"), name="run_of_requester"),
            # All that a search looks at: it reads this instead of every run's plan. PostgreSQL has one by trigrams.
            SqliteIndex(fields=("-created", "-id", "version", "note"), name="run_searched"),
        )

    def __str__(self) -> str:
        return f"{self.version} on {self.environment} ({self.id})"

    def load_plan(self) -> LoadPlan:
        return from_plain(LoadPlan, self.plan)

    def where(self) -> AwsPlace | None:
        """As it was planned, whatever the environment says by now. None: this machine."""
        return from_plain(AwsPlace, self.aws) if self.aws else None

    @property
    def is_over(self) -> bool:
        return self.state == RunState.ENDED

    def elapsed_seconds(self, now: datetime) -> float:
        """Since the common start; 0 before it."""
        return 0.0 if self.started is None else max(0.0, ((self.ended or now) - self.started).total_seconds())
