"""The accepted run that others of its scenario, environment and backend are compared with."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from portal.models.environment import Environment
from portal.models.run import BackendName, Run
from portal.models.scenario import Scenario


class Baseline(models.Model):
    scenario = models.ForeignKey(Scenario, on_delete=models.CASCADE, related_name="baselines")
    environment = models.ForeignKey(Environment, on_delete=models.CASCADE, related_name="baselines")
    backend = models.CharField(max_length=20, choices=BackendName.choices)
    # Protected: whoever deletes runs has to choose another baseline first.
    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="baselines")
    accepted_by = models.CharField(max_length=150, blank=True)
    accepted = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ("scenario", "environment", "backend")
        constraints = (models.UniqueConstraint(fields=("scenario", "environment", "backend"), name="one_baseline_each"),)

    def __str__(self) -> str:
        return f"baseline of {self.scenario} on {self.environment}, {self.backend}: {self.run_id}"
