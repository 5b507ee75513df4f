"""What happened to a run, in order: its changes of state, and sentences worth reading. Only ever appended to."""

from __future__ import annotations

from django.db import models
from django.utils import timezone


class EventKind(models.TextChoices):
    STATE = "state", "state"
    LOG = "log", "log"


class RunEvent(models.Model):
    run = models.ForeignKey("portal.Run", on_delete=models.CASCADE, related_name="events", db_index=False)
    at = models.DateTimeField(default=timezone.now)
    kind = models.CharField(max_length=10, choices=EventKind.choices, default=EventKind.LOG)
    state = models.CharField(max_length=20, blank=True, help_text="The state the run came into.")
    text = models.TextField(blank=True)

    class Meta:
        ordering = ("id",)
        indexes = (models.Index(fields=("run", "id"), name="run_event_in_order"),)

    def __str__(self) -> str:
        return f"{self.state or self.text[:60]} of {self.run_id}"
