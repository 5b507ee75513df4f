"""When a process of the portal last showed that it works, by name (`queue`, `ticker`)."""

from __future__ import annotations

from django.db import models


class Heartbeat(models.Model):
    name = models.CharField(primary_key=True, max_length=40)
    at = models.FloatField(help_text="Unix seconds.")

    def __str__(self) -> str:
        return self.name
