"""That somebody showed to own a host, for an environment, and until when that counts."""

from __future__ import annotations

from django.db import models

from portal.models.environment import Environment


class HostProof(models.Model):
    environment = models.ForeignKey(Environment, on_delete=models.CASCADE, related_name="proofs")
    host = models.CharField(max_length=255)
    way = models.CharField(max_length=10, help_text="dns, file or header.")
    proved = models.DateTimeField()
    expires = models.DateTimeField()

    class Meta:
        ordering = ("host",)
        constraints = (models.UniqueConstraint(fields=("environment", "host"), name="one_proof_per_host"),)

    def __str__(self) -> str:
        return f"{self.host} by {self.way}"
