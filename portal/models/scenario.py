"""A scenario and its versions. A version never changes: saving a scenario makes the next one."""

from __future__ import annotations

import base64

from django.core.validators import RegexValidator
from django.db import models

from portal.core.plan import ScenarioRef
from portal.core.script import ScriptSource
from portal.models.standing import clean_thresholds

NAME = RegexValidator(r"^[a-z0-9][a-z0-9._-]{0,99}$", "Use small letters, digits, dots, dashes and underscores.")


class EngineName(models.TextChoices):
    K6 = "k6", "k6"
    ARTILLERY = "artillery", "Artillery"


class Scenario(models.Model):
    name = models.CharField(max_length=100, unique=True, validators=[NAME])
    title = models.CharField(max_length=200, blank=True)
    description = models.TextField(blank=True)
    engine = models.CharField(max_length=20, choices=EngineName.choices)
    thresholds = models.JSONField(
        default=dict, blank=True,
        help_text='For every run, beside the script\'s own: {"http_req_duration": ["p(95)<300 over 60s"]}.',
    )  # fmt: skip
    fail_on_regression = models.BooleanField(
        default=False, help_text="A run that is clearly worse than its baseline, or than the last good runs, fails."
    )
    archived = models.BooleanField(default=False, help_text="Hidden from lists; its runs stay.")
    public = models.BooleanField(default=False, help_text="Its badge (last verdict and p95) is shown without a token.")
    created = models.DateTimeField(auto_now_add=True)
    updated = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        clean_thresholds(self.thresholds)

    def latest(self) -> ScenarioVersion | None:
        return self.versions.order_by("-number").first()


class ScenarioVersion(models.Model):
    scenario = models.ForeignKey(Scenario, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    file = models.CharField(max_length=200)
    script = models.TextField()
    files = models.JSONField(default=dict, blank=True, help_text="Further files by path, base64.")
    digest = models.CharField(max_length=64, help_text="sha256 over the script and its files.")
    facts = models.JSONField(default=dict, blank=True, help_text="What the engine says about the script.")
    author = models.CharField(max_length=150, blank=True)
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("-number",)
        constraints = (models.UniqueConstraint(fields=("scenario", "number"), name="scenario_version_number_once"),)

    def __str__(self) -> str:
        return f"{self.scenario.name} v{self.number}"

    def source(self) -> ScriptSource:
        files = {name: base64.b64decode(text) for name, text in self.files.items()}
        return ScriptSource(self.scenario.engine, self.file, self.script, files)

    def ref(self) -> ScenarioRef:
        return ScenarioRef(self.scenario.name, self.number, self.scenario.engine, self.file, self.digest)
