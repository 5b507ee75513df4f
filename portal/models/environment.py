"""Where load goes and what is allowed there: targets, parameters and guard rails."""

from __future__ import annotations

from datetime import timedelta

from django.core.validators import MinValueValidator
from django.db import models

from portal.core.access import Actor
from portal.core.plan import Guard
from portal.models.scenario import NAME
from portal.models.standing import clean_thresholds


class Place(models.TextChoices):
    LOCAL = "local", "This machine"


class EnvironmentQuerySet(models.QuerySet["Environment"]):
    def seen_by(self, actor: Actor) -> EnvironmentQuerySet:
        return self if actor.environments is None else self.filter(name__in=actor.environments)


class Environment(models.Model):
    name = models.CharField(max_length=100, unique=True, validators=[NAME])
    description = models.TextField(blank=True)
    place = models.CharField(max_length=20, choices=Place.choices, default=Place.LOCAL, help_text="Where workers run.")
    targets = models.JSONField(default=dict, blank=True, help_text='URLs by service: {"product": "http://127.0.0.1:18101"}.')
    parameters = models.JSONField(default=dict, blank=True, help_text="Variables every script sees; no secrets.")
    thresholds = models.JSONField(
        default=dict,
        blank=True,
        help_text='For every run here, in place of a script\'s on the same metric: {"checks": ["rate>0.99"]}.',
    )
    most_vus = models.PositiveIntegerField(null=True, blank=True, validators=[MinValueValidator(1)])
    most_rate = models.PositiveIntegerField(
        null=True, blank=True, validators=[MinValueValidator(1)], help_text="Arrivals per second."
    )
    longest_seconds = models.PositiveIntegerField(null=True, blank=True, validators=[MinValueValidator(1)])
    created = models.DateTimeField(auto_now_add=True)
    updated = models.DateTimeField(auto_now=True)

    objects = EnvironmentQuerySet.as_manager()

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        clean_thresholds(self.thresholds)

    def guard(self) -> Guard:
        longest = None if self.longest_seconds is None else timedelta(seconds=self.longest_seconds)
        return Guard(most_vus=self.most_vus, most_rate=self.most_rate, longest=longest)
