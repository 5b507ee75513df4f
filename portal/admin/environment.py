"""Environments: where load goes and what is allowed there."""

from __future__ import annotations

import json
from typing import Any  # Any: a JSON field's value

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from unfold.admin import TabularInline
from unfold.widgets import UnfoldAdminTextareaWidget

from portal.admin.actor import actor_of
from portal.admin.audited import Audited
from portal.core.errors import RequestRejected
from portal.core.request import parse_request
from portal.core.wire import to_plain
from portal.models import Environment, TrustedRepository
from portal.models.audit import Deed
from portal.usecases.describe_run import NOTHING
from portal.usecases.record_audit import record


class PrettyJSONField(forms.JSONField):
    """JSON over several lines, so that people can read and edit it."""

    def prepare_value(self, value: Any) -> str:
        return value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)


class EnvironmentForm(forms.ModelForm):
    targets = PrettyJSONField(
        required=False,
        widget=UnfoldAdminTextareaWidget({"class": "kd-code", "rows": 7, "spellcheck": "false"}),
        help_text='URLs by service: {"product": "http://127.0.0.1:18101"}. Scripts see them as TARGET_PRODUCT.',
    )
    parameters = PrettyJSONField(
        required=False,
        widget=UnfoldAdminTextareaWidget({"class": "kd-code", "rows": 5, "spellcheck": "false"}),
        help_text='Variables every script sees: {"LANGUAGE": "de"}. No secrets: people who see runs see them.',
    )

    class Meta:
        model = Environment
        fields = (
            "name",
            "description",
            "place",
            "targets",
            "parameters",
            "thresholds",
            "most_vus",
            "most_rate",
            "longest_seconds",
        )
        labels = {"most_vus": "Virtual users", "most_rate": "Arrivals per second", "longest_seconds": "Seconds"}
        help_texts = {"most_rate": ""}
        widgets = {"description": UnfoldAdminTextareaWidget({"rows": 3})}

    def clean_targets(self) -> dict[str, str]:
        return self._checked("targets")

    def clean_parameters(self) -> dict[str, str]:
        return self._checked("parameters")

    def _checked(self, name: str) -> dict[str, str]:
        """The same rules as for a request that brings its own targets and parameters."""
        value = self.cleaned_data[name] or {}
        try:
            request = parse_request({"scenario": "any", "environment": "any", name: value}, backend="")
        except RequestRejected as error:
            raise forms.ValidationError([f"{problem.message} {problem.hint}".strip() for problem in error.problems]) from error
        return dict(getattr(request, name))


class TrustInline(TabularInline):
    """Jobs that may start runs here without a secret."""

    model = TrustedRepository
    extra, tab = 0, True
    fields = ("repository", "ref", "deployment")


@admin.register(Environment)
class EnvironmentAdmin(Audited):
    deeds = (Deed.ENVIRONMENT_SAVED, Deed.ENVIRONMENT_SAVED, Deed.ENVIRONMENT_DELETED)
    form = EnvironmentForm
    inlines = (TrustInline,)
    list_display = ("name", "description", "place", "services", "most_vus", "most_rate", "longest_seconds")
    search_fields = ("name", "description")
    fieldsets = (
        (None, {"fields": ("name", "description", "place")}),
        ("What scripts see", {"fields": ("targets", "parameters")}),
        ("How its runs are judged", {"fields": ("thresholds",)}),
        (
            "Guard rails",
            {
                "fields": (("most_vus", "most_rate", "longest_seconds"),),
                "description": "The most a run may ask for; empty: no limit of its own.",
            },
        ),
    )

    def after(self, row: Environment) -> dict[str, Any]:
        return {"targets": row.targets, "guard": to_plain(row.guard()), "trusted": [str(rule) for rule in row.trusted.all()]}

    def tell(self, request: HttpRequest, deed: Deed, row: Environment, **detail: Any) -> None:
        record(actor_of(request), deed, environment=row.name, **detail)

    @admin.display(description="Services")
    def services(self, row: Environment) -> str:
        return ", ".join(row.targets) or NOTHING
