"""Environments: where load goes and what is allowed there."""

from __future__ import annotations

from typing import Any  # Any: details of an audit entry

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from unfold.admin import TabularInline
from unfold.decorators import action

from portal.admin.actor import actor_of
from portal.admin.audited import Audited
from portal.admin.environment_form import EnvironmentForm
from portal.admin.run_dialog import DialogForm, go_to
from portal.core.errors import PortalError
from portal.core.wire import to_plain
from portal.core.words import NOTHING
from portal.models import Environment, TrustedRepository
from portal.models.audit import Deed
from portal.models.environment import Place
from portal.usecases.check_connection import check_connection
from portal.usecases.record_audit import record
from portal.wiring import parts


class ConnectionForm(DialogForm):
    """Nothing to fill in: a question."""


CONNECTION_DIALOG: Any = {
    "title": "Test the connection?",
    "description": "Asks for the credentials' name, writes a probe into the bucket, and looks at function, cluster and group.",
    "form_class": ConnectionForm,
    "form_submit_text": "Test",
}


class TrustInline(TabularInline):
    """Jobs that may start runs here without a secret."""

    model = TrustedRepository
    extra, tab = 0, True
    fields = ("repository", "ref", "deployment")


@admin.register(Environment)
class EnvironmentAdmin(Audited):
    deeds = (Deed.ENVIRONMENT_SAVED, Deed.ENVIRONMENT_SAVED, Deed.ENVIRONMENT_DELETED)
    form = EnvironmentForm
    conditional_fields = {"aws": f"place == '{Place.AWS.value}'"}
    actions_detail = ("connection",)
    inlines = (TrustInline,)
    list_display = ("name", "description", "shown_place", "services", "limits")
    when_empty = "An environment says where load goes, and what is allowed there."
    search_fields = ("name", "description")
    fieldsets = (
        (None, {"fields": ("name", "description", "place", "aws")}),
        ("What scripts see", {"fields": ("targets", "health_path", "parameters", "secrets")}),
        ("How its runs are judged", {"fields": ("thresholds",)}),
        (
            "Guard rails",
            {
                "fields": (
                    ("most_vus", "most_rate", "longest_seconds"),
                    ("most_runs", "most_cost", "most_cost_a_month"),
                    ("allowed_hosts", "allowed_networks"),
                    ("allowed_hours", "timezone"),
                    "freezes",
                    "requires_approval",
                ),
                "description": "The most a run may ask for, where it may go, and when; empty: no limit of its own. "
                "Public hosts need a proof that they are ours: a refused run says what to publish.",
            },
        ),
    )

    @action(
        description="Test the connection", url_path="connection", icon="lan", permissions=["change"], dialog=CONNECTION_DIALOG
    )
    def connection(self, request: HttpRequest, form: ConnectionForm, object_id: str) -> HttpResponse:
        row = get_object_or_404(Environment, pk=object_id)
        try:
            for finding in check_connection(row, parts(), by=actor_of(request)):
                (messages.success if finding.is_fine else messages.error)(request, f"{finding.what}: {finding.words}")
        except PortalError as error:
            messages.error(request, f"{error.message} {error.hint}".strip())
        return go_to(reverse("admin:portal_environment_change", args=(object_id,)))

    def after(self, row: Environment) -> dict[str, Any]:
        return {"targets": row.targets, "guard": to_plain(row.guard()), "trusted": [str(rule) for rule in row.trusted.all()]}

    def tell(self, request: HttpRequest, deed: Deed, row: Environment, **detail: Any) -> None:
        record(actor_of(request), deed, environment=row.name, **detail)

    @admin.display(description="Place", ordering="place")
    def shown_place(self, row: Environment) -> str:
        return f"AWS {row.aws.get('region', '')}".strip() if row.place == Place.AWS else row.get_place_display()

    @admin.display(description="A run's limits")
    def limits(self, row: Environment) -> str:
        known = ((row.most_vus, "virtual users"), (row.most_rate, "arrivals/s"), (row.longest_seconds, "s"))
        return ", ".join(f"{most:,} {unit}" for most, unit in known if most) or NOTHING

    @admin.display(description="Services")
    def services(self, row: Environment) -> str:
        return ", ".join(row.targets) or NOTHING
