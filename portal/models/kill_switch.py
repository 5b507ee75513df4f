"""The one switch that stops everything and keeps it stopped until it is lifted."""

from __future__ import annotations

from django.db import models


class KillSwitch(models.Model):
    """One row at the most. On while it is there."""

    only = models.BooleanField(primary_key=True, default=True)
    by = models.CharField(max_length=150)
    at = models.DateTimeField()
    reason = models.CharField(max_length=500, blank=True)

    def __str__(self) -> str:
        return f"Everything was stopped by {self.by}" + (f": {self.reason}" if self.reason else "")
