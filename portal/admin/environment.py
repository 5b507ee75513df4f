"""Environments: where load goes and what is allowed there."""

from __future__ import annotations

from typing import Any  # Any: details of an audit entry

from django.contrib import admin
from django.http import HttpRequest
from unfold.admin import TabularInline

from portal.admin.actor import actor_of
from portal.admin.audited import Audited
from portal.admin.environment_form import EnvironmentForm
from portal.core.wire import to_plain
from portal.models import Environment, TrustedRepository
from portal.models.audit import Deed
from portal.usecases.describe_run import NOTHING
from portal.usecases.record_audit import record


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
        (None, {"fields": ("name", "description", "place", "aws")}),
        ("What scripts see", {"fields": ("targets", "parameters", "secrets")}),
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

    def after(self, row: Environment) -> dict[str, Any]:
        return {"targets": row.targets, "guard": to_plain(row.guard()), "trusted": [str(rule) for rule in row.trusted.all()]}

    def tell(self, request: HttpRequest, deed: Deed, row: Environment, **detail: Any) -> None:
        record(actor_of(request), deed, environment=row.name, **detail)

    @admin.display(description="Services")
    def services(self, row: Environment) -> str:
        return ", ".join(row.targets) or NOTHING
