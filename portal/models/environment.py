"""Where load goes and what is allowed there: targets, parameters and guard rails."""

from __future__ import annotations

from datetime import timedelta

from django.core.validators import MinValueValidator
from django.db import models

from portal.core.access import Actor
from portal.core.aws_place import AwsPlace
from portal.core.guard import Guard
from portal.core.hours import Freeze
from portal.core.wire import from_plain
from portal.models.scenario import NAME
from portal.models.standing import clean_thresholds


class Place(models.TextChoices):
    LOCAL = "local", "This machine"
    AWS = "aws", "AWS"


class EnvironmentQuerySet(models.QuerySet["Environment"]):
    def seen_by(self, actor: Actor) -> EnvironmentQuerySet:
        return self if actor.environments is None else self.filter(name__in=actor.environments)


class Environment(models.Model):
    name = models.CharField(max_length=100, unique=True, validators=[NAME])
    description = models.TextField(blank=True)
    place = models.CharField(max_length=20, choices=Place.choices, default=Place.LOCAL, help_text="Where workers run.")
    aws = models.JSONField(
        default=dict, blank=True, help_text='Of the place AWS: {"region": "eu-central-1", "bucket": "...", "function": "..."}.'
    )
    targets = models.JSONField(default=dict, blank=True, help_text='URLs by service: {"product": "http://127.0.0.1:18101"}.')
    parameters = models.JSONField(default=dict, blank=True, help_text="Variables every script sees; no secrets.")
    secrets = models.JSONField(
        default=dict, blank=True, help_text='References, never values: {"API_KEY": "env:KNOPFDRUCK_SECRET_API_KEY"}.'
    )
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
    allowed_hosts = models.JSONField(
        default=list, blank=True, help_text='Beside the targets\' own: ["shop.example.com", "*.test.example.com"].'
    )
    allowed_networks = models.JSONField(
        default=list, blank=True, help_text='Addresses that are not public but may be loaded: ["10.20.0.0/16"].'
    )
    most_runs = models.PositiveIntegerField(
        null=True, blank=True, validators=[MinValueValidator(1)], help_text="At the same time."
    )
    most_cost = models.FloatField(null=True, blank=True, validators=[MinValueValidator(0)], help_text="USD a run, estimated.")
    most_cost_a_month = models.FloatField(null=True, blank=True, validators=[MinValueValidator(0)], help_text="USD, estimated.")
    allowed_hours = models.JSONField(default=list, blank=True, help_text='["mon-fri 20:00-06:00"]; empty: at any time.')
    timezone = models.CharField(max_length=60, default="UTC", blank=True, help_text="Of the allowed hours.")
    freezes = models.JSONField(
        default=list,
        blank=True,
        help_text='[{"start": "2026-11-27T00:00Z", "end": "2026-11-30T00:00Z", "reason": "the sale"}]',
    )
    health_path = models.CharField(
        max_length=200,
        blank=True,
        help_text="Asked of every target before load starts, such as /healthz.",
    )
    requires_approval = models.BooleanField(default=False, help_text="A second person releases every run.")
    created = models.DateTimeField(auto_now_add=True)
    updated = models.DateTimeField(auto_now=True)

    objects = EnvironmentQuerySet.as_manager()

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        clean_thresholds(self.thresholds)

    def aws_place(self) -> AwsPlace | None:
        """None: workers run on this machine."""
        return from_plain(AwsPlace, self.aws) if self.place == Place.AWS else None

    def guard(self) -> Guard:
        longest = None if self.longest_seconds is None else timedelta(seconds=self.longest_seconds)
        aws = self.aws_place()
        here = self.place == Place.LOCAL or (aws is not None and aws.is_on_this_machine)
        return Guard(
            most_vus=self.most_vus, most_rate=self.most_rate, longest=longest, hosts=tuple(self.allowed_hosts),
            networks=tuple(self.allowed_networks), loopback=here, most_runs=self.most_runs,
            most_cost=self.most_cost, most_cost_a_month=self.most_cost_a_month, hours=tuple(self.allowed_hours),
            zone=self.timezone, freezes=from_plain(tuple[Freeze, ...], self.freezes), approval=self.requires_approval,
        )  # fmt: skip
