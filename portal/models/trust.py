"""GitHub repositories whose jobs may use an environment without a secret."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.db import models

from portal.core.trusted_job import Claims, Trust
from portal.models.environment import Environment


class TrustedRepository(models.Model):
    environment = models.ForeignKey(Environment, on_delete=models.CASCADE, related_name="trusted")
    repository = models.CharField(max_length=140, help_text="owner/name; a star for a part of the name.")
    ref = models.CharField(max_length=250, blank=True, help_text="refs/heads/main; a star for a part of it.")
    deployment = models.CharField("deployment environment", max_length=255, blank=True, help_text="The job's own, exactly.")

    class Meta:
        ordering = ("repository", "ref")
        verbose_name, verbose_name_plural = "trusted repository", "trusted repositories"

    def __str__(self) -> str:
        return f"{self.repository}@{self.deployment or self.ref}"

    def clean(self) -> None:
        problems = self.rule().problems()
        if problems:
            raise ValidationError({{"environment": "deployment"}.get(name, name): text for name, text in problems.items()})

    def rule(self) -> Trust:
        return Trust(self.repository, self.ref, self.deployment)


def environments_trusting(claims: Claims) -> frozenset[str]:
    """Names of the environments that trust this job."""
    rows = TrustedRepository.objects.select_related("environment").all()
    return frozenset(row.environment.name for row in rows if row.rule().covers(claims))
