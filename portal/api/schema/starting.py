"""The shapes of a start, of what it would take and cost, and of what can be started."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from portal.api.schema.runs import text
from portal.api.schema.values import ObjectField, TextsField
from portal.core.loss import OnWorkerLoss
from portal.core.run_state import RunState
from portal.models.run import BackendName

_RULES = {"type": "array", "items": {"anyOf": [{"type": "string"}, {"type": "object"}]}}


@extend_schema_field({"type": "object", "additionalProperties": {"anyOf": [_RULES, {"type": "string"}]},
                      "example": {"http_req_duration": ["p(95)<300"]}})  # fmt: skip
class ThresholdsField(serializers.JSONField):
    """Rules by metric, as k6 writes them."""


@extend_schema_field({"type": "array", "items": {"anyOf": [{"type": "string"}, {"type": "object"}]}, "example": ["10s:50"]})
class StagesField(serializers.JSONField):
    """`10s:50` are virtual users, `10s:50/s` arrivals per second."""


@extend_schema_field({"anyOf": [{"type": "number"}, {"type": "string"}], "example": 5})
class RateField(serializers.JSONField):
    """Arrivals per second, or `30/m`."""


class StartBody(serializers.Serializer):
    """Load: vus with duration, or rate with duration, or stages; none of them runs the script's own. All are totals."""

    scenario = serializers.CharField(max_length=100)
    environment = serializers.CharField(max_length=100)
    version = serializers.IntegerField(required=False, min_value=1, help_text="The newest where it is left out.")
    vus = serializers.IntegerField(required=False, min_value=1, help_text="Virtual users over all workers.")
    duration = serializers.CharField(required=False, help_text="Such as 30s, 5m or 1h.")
    stages = StagesField(required=False)
    rate = RateField(required=False)
    max_vus = serializers.IntegerField(required=False, min_value=1)
    workers = serializers.IntegerField(required=False, min_value=1)
    targets = TextsField(required=False)
    parameters = TextsField(required=False)
    thresholds = ThresholdsField(required=False)
    fail_on_regression = serializers.BooleanField(required=False, help_text="Fail when it is worse than usual, beyond the noise.")
    on_worker_loss = serializers.ChoiceField([*OnWorkerLoss], required=False)
    sliced = serializers.BooleanField(
        required=False, help_text="A load too long for one Lambda worker is made by several that follow each other."
    )
    elastic = serializers.BooleanField(
        required=False, help_text="A pool of workers on Fargate makes the load, and its parts move to those that join."
    )
    tags = TextsField(required=False)
    note = serializers.CharField(required=False, max_length=4000)


class PlannedBody(StartBody):
    backend = serializers.ChoiceField(BackendName.values)


class Started(serializers.Serializer):
    id = serializers.CharField()
    state = serializers.ChoiceField([*RunState])
    status_url = serializers.CharField()
    results_url = serializers.CharField()
    stop_url = serializers.CharField()
    page_url = serializers.CharField()
    workers = serializers.IntegerField()
    duration_seconds = serializers.FloatField()
    warnings = serializers.ListField(child=text())


class _Planned(serializers.Serializer):
    scenario = serializers.CharField()
    version = serializers.IntegerField()
    engine = serializers.CharField()
    environment = serializers.CharField()
    backend = serializers.ChoiceField(BackendName.values)
    workers = serializers.IntegerField()
    duration_seconds = serializers.FloatField()
    warnings = serializers.ListField(child=text())


class Valid(_Planned):
    valid = serializers.BooleanField()
    load = serializers.CharField()
    targets = TextsField()
    script_digest = serializers.CharField()
    thresholds = serializers.ListField(child=text())


class Cost(serializers.Serializer):
    """Compute only. `billed` is false where the environment's workers run on this machine: then it is what AWS would ask."""

    low = serializers.FloatField()
    likely = serializers.FloatField()
    high = serializers.FloatField()
    currency = serializers.CharField()
    region = serializers.CharField()
    worker = serializers.CharField()
    prices_from = serializers.DateField(help_text="The day the price was read.")
    left_out = serializers.ListField(child=text())
    billed = serializers.BooleanField()


class Quota(serializers.Serializer):
    name = serializers.CharField()
    used = serializers.IntegerField()
    default = serializers.IntegerField(help_text="What a new account has.")  # type: ignore[assignment]
    exceeded = serializers.BooleanField()


class Estimated(_Planned):
    vus = serializers.IntegerField()
    vu_hours = serializers.FloatField()
    duration = serializers.CharField()
    cost = Cost()
    quotas = Quota(many=True)


class Templates(serializers.Serializer):
    """With an example body for every scenario."""

    scenarios = serializers.ListField(child=ObjectField())
    environments = serializers.ListField(child=ObjectField())
