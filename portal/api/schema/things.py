"""The shapes of scenarios, versions and environments, of baselines and comparisons, and of the portal's health."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from portal.api.schema.runs import moment, number, text
from portal.api.schema.starting import ThresholdsField
from portal.api.schema.values import ObjectField, PlaceField, TextsField
from portal.models.environment import Place
from portal.models.run import BackendName
from portal.models.scenario import EngineName

_NAME = r"^[a-z0-9][a-z0-9._-]{0,99}$"


@extend_schema_field({"type": "object", "additionalProperties": {"type": "string", "contentEncoding": "base64"},
                      "example": {"data/users.csv": "bmFtZQphZGEK"}})  # fmt: skip
class FilesField(serializers.JSONField):
    """Content in base64 by path."""


class LoadShape(serializers.Serializer):
    duration = serializers.CharField(allow_null=True)
    peak_vus = serializers.IntegerField(allow_null=True)
    most_workers = serializers.IntegerField(allow_null=True)
    scenarios = serializers.ListField(child=text())


class ScenarioRow(serializers.Serializer):
    name = serializers.CharField()
    title = text()
    description = text()
    engine = serializers.ChoiceField(EngineName.values)
    archived = serializers.BooleanField()
    public = serializers.BooleanField()
    fail_on_regression = serializers.BooleanField()
    thresholds = ObjectField()
    version = serializers.IntegerField(allow_null=True)
    load = LoadShape(allow_null=True)
    created = moment(null=False)
    updated = moment(null=False)


class ScenarioPage(serializers.Serializer):
    scenarios = ScenarioRow(many=True)
    cursor = serializers.CharField(allow_null=True)
    next = serializers.CharField(allow_null=True)


class VersionBody(serializers.Serializer):
    script = serializers.CharField()
    file = serializers.CharField(required=False, max_length=200, help_text="Name of the script; script.js or script.yml.")
    files = FilesField(required=False)
    title = serializers.CharField(required=False, max_length=200)
    description = serializers.CharField(required=False, max_length=4000)


class ScenarioBody(VersionBody):
    name = serializers.RegexField(_NAME)
    engine = serializers.ChoiceField(EngineName.values)


class ShelfBody(serializers.Serializer):
    """Only what is given is changed."""

    title = serializers.CharField(required=False, allow_blank=True, max_length=200)
    description = serializers.CharField(required=False, allow_blank=True, max_length=4000)
    archived = serializers.BooleanField(required=False)
    public = serializers.BooleanField(required=False)
    fail_on_regression = serializers.BooleanField(required=False)
    thresholds = ThresholdsField(required=False)


class VersionRow(serializers.Serializer):
    scenario = serializers.CharField()
    number = serializers.IntegerField()
    engine = serializers.ChoiceField(EngineName.values)
    file = serializers.CharField()
    digest = serializers.CharField()
    author = text()
    created = moment(null=False)
    load = LoadShape(allow_null=True)
    thresholds = serializers.ListField(child=text())
    parameters = serializers.ListField(child=text())
    warnings = serializers.ListField(child=text())


class VersionDetail(VersionRow):
    script = text()
    files = FilesField()


class VersionPage(serializers.Serializer):
    versions = VersionRow(many=True)
    cursor = serializers.CharField(allow_null=True)
    next = serializers.CharField(allow_null=True)


class Freeze(serializers.Serializer):
    start = serializers.DateTimeField()
    end = serializers.DateTimeField()
    reason = serializers.CharField(required=False, allow_blank=True)


class EnvironmentChange(serializers.Serializer):
    """What is left out is empty afterwards."""

    description = serializers.CharField(required=False, max_length=4000)
    place = serializers.ChoiceField(Place.values, required=False)
    aws = PlaceField(required=False)
    targets = TextsField(required=False)
    parameters = TextsField(required=False)
    secrets = TextsField(required=False)
    thresholds = ThresholdsField(required=False)
    most_vus = serializers.IntegerField(required=False, allow_null=True, min_value=1)
    most_rate = serializers.IntegerField(required=False, allow_null=True, min_value=1)
    longest_seconds = serializers.IntegerField(required=False, allow_null=True, min_value=1)
    allowed_hosts = serializers.ListField(child=serializers.CharField(), required=False)
    allowed_networks = serializers.ListField(child=serializers.CharField(), required=False)
    most_runs = serializers.IntegerField(required=False, allow_null=True, min_value=1)
    most_cost = serializers.FloatField(required=False, allow_null=True, min_value=0)
    most_cost_a_month = serializers.FloatField(required=False, allow_null=True, min_value=0)
    allowed_hours = serializers.ListField(child=serializers.CharField(), required=False)
    timezone = serializers.CharField(required=False)
    freezes = Freeze(many=True, required=False)
    requires_approval = serializers.BooleanField(required=False)
    health_path = serializers.CharField(required=False, max_length=200)


class EnvironmentBody(EnvironmentChange):
    name = serializers.RegexField(_NAME)


class EnvironmentRow(serializers.Serializer):
    name = serializers.CharField()
    description = text()
    place = serializers.ChoiceField(Place.values)
    aws = PlaceField()
    targets = TextsField()
    parameters = TextsField()
    secrets = TextsField()
    thresholds = ObjectField()
    most_vus = serializers.IntegerField(allow_null=True)
    most_rate = serializers.IntegerField(allow_null=True)
    longest_seconds = serializers.IntegerField(allow_null=True)
    allowed_hosts = serializers.ListField(child=serializers.CharField())
    allowed_networks = serializers.ListField(child=serializers.CharField())
    most_runs = serializers.IntegerField(allow_null=True)
    most_cost = serializers.FloatField(allow_null=True)
    most_cost_a_month = serializers.FloatField(allow_null=True)
    allowed_hours = serializers.ListField(child=serializers.CharField())
    timezone = serializers.CharField()
    freezes = Freeze(many=True)
    requires_approval = serializers.BooleanField()
    health_path = text()
    created = moment(null=False)
    updated = moment(null=False)


class Finding(serializers.Serializer):
    what = serializers.CharField()
    fine = serializers.BooleanField()
    words = serializers.CharField()


class Connection(serializers.Serializer):
    environment = serializers.CharField()
    fine = serializers.BooleanField()
    findings = Finding(many=True)


class EnvironmentPage(serializers.Serializer):
    environments = EnvironmentRow(many=True)
    cursor = serializers.CharField(allow_null=True)
    next = serializers.CharField(allow_null=True)


class Baseline(serializers.Serializer):
    run = serializers.CharField()
    scenario = serializers.CharField()
    environment = serializers.CharField()
    backend = serializers.ChoiceField(BackendName.values)
    accepted_by = text()
    accepted = moment(null=False)


class Change(serializers.Serializer):
    measure = serializers.CharField()
    unit = text()
    before = serializers.FloatField()
    now = serializers.FloatField()
    usual = serializers.FloatField()
    judgement = serializers.CharField()
    change = number()
    text = serializers.CharField()


class Comparison(serializers.Serializer):
    run = serializers.CharField()
    basis = text()
    runs = serializers.ListField(child=text())
    comparable = serializers.BooleanField()
    obstacles = serializers.ListField(child=text())
    remarks = serializers.ListField(child=text())
    changes = Change(many=True)
    regressions = serializers.ListField(child=text())


class Alive(serializers.Serializer):
    status = serializers.CharField()


class Checks(serializers.Serializer):
    database = serializers.BooleanField()
    store = serializers.BooleanField()
    queue = serializers.BooleanField()
    ticker = serializers.BooleanField()


class Ready(Alive):
    checks = Checks()
