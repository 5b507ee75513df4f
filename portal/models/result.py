"""What a run measured and how it was judged; late snapshots raise `version`."""

from __future__ import annotations

from django.db import models

from portal.models.run import Run


class Result(models.Model):
    run = models.OneToOneField(Run, on_delete=models.CASCADE, related_name="result")
    version = models.PositiveIntegerField(default=1)
    summary = models.JSONField()
    thresholds = models.JSONField(default=list)
    verdict = models.JSONField()
    health = models.JSONField(default=list, help_text="How each generator was: peaks, means, what it lacked.")
    timeline = models.JSONField(default=list)
    created = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"result of {self.run_id}"
