"""The shapes of runs: in lists, alone, their status, results, events, and what is said about a stop."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from portal.api.schema.values import ObjectField, SummaryField, TextsField, TimelineField
from portal.core.run_state import EndReason, RunState
from portal.core.verdict import Outcome
from portal.models.run import BackendName
from portal.models.worker import WorkerState

_ENDS, _VERDICTS = ([*EndReason, None], [*Outcome, None])


def text(**options: bool) -> serializers.CharField:
    return serializers.CharField(allow_blank=True, **options)  # type: ignore[arg-type]


def number() -> serializers.FloatField:
    return serializers.FloatField(allow_null=True)


def moment(*, null: bool = True) -> serializers.DateTimeField:
    return serializers.DateTimeField(allow_null=null)


@extend_schema_field({"type": ["string", "null"], "enum": _ENDS})
class EndReasonField(serializers.CharField):
    pass


@extend_schema_field({"type": ["string", "null"], "enum": _VERDICTS})
class VerdictField(serializers.CharField):
    """Null until a run has been judged."""


class Identity(serializers.Serializer):
    id = serializers.CharField()
    scenario = serializers.CharField()
    version = serializers.IntegerField()
    engine = serializers.CharField()
    environment = serializers.CharField()
    backend = serializers.ChoiceField(BackendName.values)
    requested_by = text()


class State(Identity):
    state = serializers.ChoiceField([*RunState])
    end_reason = EndReasonField()
    verdict = VerdictField()
    message = text()
    started = moment()
    ended = moment()


class RunRow(State):
    created = moment(null=False)
    workers = serializers.IntegerField()
    requests = number()
    failed = number()
    p95_ms = number()
    note = text()
    tags = TextsField()


class Window(serializers.Serializer):
    """Seconds after the start."""

    to = serializers.FloatField()

    def get_fields(self) -> dict[str, serializers.Field]:  # type: ignore[type-arg]
        # `from` is no name Python lets a class have.
        return {"from": serializers.FloatField(), **super().get_fields()}


class ThresholdResult(serializers.Serializer):
    """`observed` and `passed` are null where nothing was measured (yet)."""

    text = serializers.CharField()
    observed = number()
    passed = serializers.BooleanField(allow_null=True)
    window = Window(allow_null=True)
    evidence = serializers.CharField(allow_null=True)


class WorkerCounts(serializers.Serializer):
    planned = serializers.IntegerField()
    ready = serializers.IntegerField()
    running = serializers.IntegerField()
    done = serializers.IntegerField()
    lost = serializers.IntegerField()


class Status(State):
    created = moment(null=False)
    elapsed_seconds = serializers.IntegerField()
    planned_seconds = number()
    workers = WorkerCounts()
    progress = ObjectField()
    thresholds = ThresholdResult(many=True)
    warnings = serializers.ListField(child=text())
    note = text()
    tags = TextsField()
    urls = TextsField()


class Detail(Status):
    load = text()
    script_digest = text()
    plan_digest = text()
    approved_by = serializers.CharField(allow_null=True)
    estimated_cost = serializers.FloatField()
    targets = TextsField()
    requests = number()
    failed = number()
    p95_ms = number()
    coverage = number()
    reasons = serializers.ListField(child=text())


class LogPlace(serializers.Serializer):
    """In CloudWatch. `stream` is empty until it is known, `url` where no console shows it."""

    group = serializers.CharField()
    stream = text()
    url = text()


class Worker(serializers.Serializer):
    slot = serializers.IntegerField()
    epoch = serializers.IntegerField()
    slice = serializers.IntegerField(help_text="Which part of a load that is sliced, from 0 on.")
    state = serializers.ChoiceField(WorkerState.values)
    reference = text()
    cpu_cores = serializers.FloatField()
    memory_bytes = serializers.IntegerField()
    message = text()
    last_beat = moment()
    log = LogPlace(allow_null=True)


class LogLine(serializers.Serializer):
    at = serializers.DateTimeField()
    text = text()


class WorkerLog(serializers.Serializer):
    id = serializers.CharField()
    slot = serializers.IntegerField()
    epoch = serializers.IntegerField()
    state = serializers.ChoiceField(WorkerState.values)
    message = text()
    log = LogPlace(allow_null=True)
    lines = LogLine(many=True)
    engine = serializers.ListField(child=text())
    note = text()


class Results(State):
    """`summary` is null until the run has been judged; `progress` holds what is known before."""

    partial = serializers.BooleanField()  # type: ignore[assignment]
    reasons = serializers.ListField(child=text())
    notes = serializers.ListField(child=text())
    summary = SummaryField()
    progress = ObjectField(allow_null=True)
    thresholds = ThresholdResult(many=True)
    workers = Worker(many=True)
    timeline = TimelineField()
    urls = TextsField()


class RunPage(serializers.Serializer):
    runs = RunRow(many=True)
    cursor = serializers.CharField(allow_null=True)
    next = serializers.CharField(allow_null=True)


class Event(serializers.Serializer):
    """`state` and `log` have `at`, `state` and `text`; `second` has the fields of a TimePoint."""

    kind = serializers.ChoiceField(["state", "log", "second"])
    at = serializers.DateTimeField(required=False)
    state = serializers.CharField(required=False, allow_null=True)
    text = serializers.CharField(required=False, allow_blank=True)
    second = serializers.IntegerField(required=False)


class Events(serializers.Serializer):
    id = serializers.CharField()
    state = serializers.ChoiceField([*RunState])
    verdict = VerdictField()
    events = Event(many=True)
    cursor = serializers.CharField()
    over = serializers.BooleanField()
    poll_after_seconds = serializers.IntegerField()


class StopBody(serializers.Serializer):
    """Exactly one of id, ids, environment and all."""

    id = serializers.CharField(required=False)
    ids = serializers.ListField(child=serializers.CharField(), required=False, max_length=1000)
    environment = serializers.CharField(required=False)
    all = serializers.BooleanField(required=False)
    hard = serializers.BooleanField(required=False)


class StopOneBody(serializers.Serializer):
    hard = serializers.BooleanField(required=False)


class StoppedRow(serializers.Serializer):
    id = serializers.CharField()
    outcome = serializers.ChoiceField(["stopping", "already_over", "not_found", "failed"])
    state = serializers.CharField(allow_null=True)
    detail = text()


class Stopped(serializers.Serializer):
    """The answer to `ids`, `environment` or `all`."""

    runs = StoppedRow(many=True)
