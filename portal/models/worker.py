"""One started worker of a run: where it runs, and its last sign of life."""

from __future__ import annotations

from django.db import models

from portal.core.ports import WorkerHandle
from portal.models.run import Run


class WorkerState(models.TextChoices):
    LAUNCHED = "launched", "launched"
    READY = "ready", "ready"
    RUNNING = "running", "running"
    DONE = "done", "done"
    LOST = "lost", "lost"


class Relief(models.TextChoices):
    """How it stands with a worker that goes on for one that makes the slot's load until then."""

    NONE = "", "first or replacement"
    ASKED = "asked", "asked"
    BEGUN = "begun", "begun"
    OFF = "off", "called off"


HAS_SLOT = (Relief.NONE, Relief.BEGUN)
"""Of a slot's rows with these the newest is who makes its load."""


class Worker(models.Model):
    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="worker_rows")
    slot = models.PositiveIntegerField()
    epoch = models.PositiveIntegerField(default=1)
    part = models.PositiveSmallIntegerField(default=0, help_text="Which slice of a load that is sliced.")
    relief = models.CharField(
        max_length=10, blank=True, default=Relief.NONE, choices=Relief.choices,
        help_text="Whether it goes on for a worker that makes the load until then, and how that stands.",
    )  # fmt: skip
    reference = models.CharField(max_length=300, blank=True, help_text="What the backend calls it: pid, ARN, instance id.")
    place = models.CharField(max_length=200, blank=True, help_text="The machine and its zone, where the backend knows them.")
    log_stream = models.CharField(max_length=300, blank=True, default="", help_text="Of its platform's logs, where it told it.")
    state = models.CharField(max_length=20, choices=WorkerState.choices, default=WorkerState.LAUNCHED)
    message = models.TextField(blank=True)
    failure = models.TextField(blank=True, default="", help_text="Why its platform gave it up, where it said so.")
    failed_at = models.DateTimeField(null=True, help_text="When that was, by the platform's clock.")
    cpu_cores = models.FloatField(default=0)
    memory_bytes = models.BigIntegerField(default=0)
    last_beat = models.DateTimeField(null=True)
    launched = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("slot", "epoch")
        constraints = (models.UniqueConstraint(fields=("run", "slot", "epoch"), name="worker_slot_epoch_once"),)

    def __str__(self) -> str:
        return f"worker {self.slot} of {self.run_id}"

    def handle(self) -> WorkerHandle:
        return WorkerHandle(self.slot, self.epoch, self.reference)
