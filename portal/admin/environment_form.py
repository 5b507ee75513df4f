"""The form of an environment. What is JSON is shown over several lines and read by the same rules as in the API."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any  # Any: a JSON field's value

from django import forms
from unfold.widgets import UnfoldAdminTextareaWidget

from portal.admin.json_field import PrettyJSONField
from portal.core import guard_fields, secret_refs, target_refs
from portal.core.aws_place import read_place
from portal.core.drafts import health_path
from portal.core.errors import RequestRejected
from portal.core.request import parse_request
from portal.models import Environment
from portal.models.environment import Place


class LinesField(forms.CharField):
    """A list of texts, one a line, that `read` takes or refuses with a sentence."""

    def __init__(self, read: Callable[[object], list[str]], *, label: str, help_text: str) -> None:
        widget = UnfoldAdminTextareaWidget({"class": "kd-code", "rows": 3, "spellcheck": "false"})
        super().__init__(required=False, label=label, help_text=help_text, widget=widget)
        self.read = read

    def prepare_value(self, value: Any) -> str:
        return "\n".join(value) if isinstance(value, list) else value or ""

    def clean(self, value: Any) -> Any:
        return _read(self.read, [line.strip() for line in super().clean(value).splitlines() if line.strip()])

    def has_changed(self, initial: Any, data: Any) -> bool:
        return super().has_changed(self.prepare_value(initial), (data or "").replace("\r\n", "\n"))


class EnvironmentForm(forms.ModelForm):
    aws = PrettyJSONField(
        rows=9,
        label="AWS",
        help_text="Deploying a stack (manage.py infra deploy) fills it in. Always region and bucket; function for Lambda; "
        "cluster, task_definition, subnets and security_groups for Fargate; worker_group for EC2; profile or role_arn for "
        "other rights.",
        example={"region": "eu-central-1", "bucket": "knopfdruck-dev-results-1a2b3c", "function": "knopfdruck-dev-runner"},
    )
    targets = PrettyJSONField(
        rows=5,
        help_text="URLs by service; scripts see that of product as TARGET_PRODUCT. Or where to look when a run is planned: "
        "ssm:/name, cfn:stack/Output, cloudmap:namespace/service, alb:tag=value, srv:name. "
        "In a stack's own account, parameters and stacks must have the tag knopfdruck:target=true.",
        example={"product": "http://127.0.0.1:18101"},
    )
    parameters = PrettyJSONField(
        rows=3, help_text="Variables every script sees. No secrets: people who see runs see them.", example={"LANGUAGE": "de"}
    )

    allowed_hosts = LinesField(
        guard_fields.hosts, label="Allowed hosts", help_text="Beside those of the targets, one a line: *.test.example.com."
    )
    allowed_networks = LinesField(
        guard_fields.networks, label="Allowed networks", help_text="That are not public, one a line: 10.20.0.0/16."
    )
    allowed_hours = LinesField(guard_fields.hours, label="Allowed hours", help_text="One a line: mon-fri 20:00-06:00.")
    freezes = PrettyJSONField(
        rows=7,
        help_text="Times without any run: a list of start, end and reason.",
        example=[{"start": "2026-11-27T00:00Z", "end": "2026-11-30T00:00Z", "reason": "the sale"}],
    )

    secrets = PrettyJSONField(
        rows=3,
        help_text="References, never values. Only workers read the values.",
        example={"API_KEY": "env:KNOPFDRUCK_SECRET_API_KEY"},
    )
    thresholds = PrettyJSONField(
        rows=8,
        help_text="For every run here, in place of a script's on the same metric.",
        example={"checks": ["rate>0.99"], "http_req_duration": ["p(95)<800"]},
    )

    class Meta:
        model = Environment
        fields = (
            "name",
            "description",
            "place",
            "aws",
            "targets",
            "parameters",
            "secrets",
            "thresholds",
            "most_vus",
            "most_rate",
            "longest_seconds",
            "allowed_hosts",
            "allowed_networks",
            "most_runs",
            "most_cost",
            "most_cost_a_month",
            "allowed_hours",
            "timezone",
            "freezes",
            "requires_approval",
            "health_path",
        )
        labels = {
            "most_vus": "Virtual users",
            "most_rate": "Arrivals per second",
            "longest_seconds": "Seconds a run",
            "most_runs": "Runs at once",
            "most_cost": "USD a run",
            "most_cost_a_month": "USD a month",
        }
        help_texts = {"most_rate": "", "most_runs": "", "most_cost": "Estimated.", "most_cost_a_month": "Estimated."}
        widgets = {"description": UnfoldAdminTextareaWidget({"rows": 3})}

    def clean_aws(self) -> Any:
        value, place = self.cleaned_data["aws"] or {}, self.cleaned_data.get("place")
        if place != Place.AWS:
            return {}
        return _read(read_place, value)

    def clean_targets(self) -> Any:
        return _read(target_refs.targets, self.cleaned_data["targets"] or {})

    def clean_thresholds(self) -> Any:
        return self.cleaned_data["thresholds"] or {}

    def clean_health_path(self) -> str:
        value = self.cleaned_data["health_path"]
        return str(_read(health_path, value)) if value else ""

    def clean_parameters(self) -> dict[str, str]:
        return self._checked("parameters")

    def clean_secrets(self) -> Any:
        return _read(secret_refs.secrets, self.cleaned_data["secrets"] or {})

    def clean_timezone(self) -> str:
        return str(_read(guard_fields.zone, self.cleaned_data["timezone"] or "UTC"))

    def clean_freezes(self) -> Any:
        return _read(guard_fields.freezes, self.cleaned_data["freezes"] or [])

    def _checked(self, name: str) -> dict[str, str]:
        """The same rules as for a request that brings its own targets and parameters."""
        value = self.cleaned_data[name] or {}
        try:
            request = parse_request({"scenario": "any", "environment": "any", name: value}, backend="")
        except RequestRejected as error:
            raise forms.ValidationError([f"{problem.message} {problem.hint}".strip() for problem in error.problems]) from error
        return dict(getattr(request, name))


def _read(read: Callable[[Any], Any], value: object) -> Any:
    try:
        return read(value)
    except ValueError as error:
        raise forms.ValidationError(f"{error} {getattr(error, 'hint', '')}".strip()) from error
