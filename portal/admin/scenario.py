"""Scenarios: every save of a changed script is a new version; Run now is a dialog."""

from __future__ import annotations

from typing import Any  # Any: details of an audit entry

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse
from unfold.admin import ModelAdmin
from unfold.decorators import action, display
from unfold.enums import ActionVariant

from portal.admin.actor import actor_of
from portal.admin.audited import Audited
from portal.admin.run_dialog import RUN_DIALOG, RunForm, start
from portal.admin.scenario_form import ScenarioForm
from portal.admin.version import VersionInline, script_box
from portal.core.words import NOTHING
from portal.models import Scenario
from portal.models.audit import Deed
from portal.usecases.describe_run import load_in_words
from portal.usecases.list_templates import facts_of
from portal.usecases.record_audit import record
from portal.usecases.save_scenario import save_scenario
from portal.wiring import parts

SCRIPT = "Script"


@admin.register(Scenario)
class ScenarioAdmin(Audited):
    deeds = (Deed.SCENARIO_SAVED, Deed.SCENARIO_SAVED, Deed.SCENARIO_DELETED)
    form = ScenarioForm
    inlines = (VersionInline,)
    list_display = ("name", "title", "kind", "version", "load", "updated")
    when_empty = "A scenario is a k6 or Artillery script with its load and thresholds. manage.py catalog brings the samples."
    list_filter = ("engine", "archived")
    search_fields = ("name", "title", "description")
    actions_detail = ("run_now",)
    fieldsets = (
        (None, {"fields": (("name", "engine"), "title", "description")}),
        ("How its runs are judged", {"fields": ("thresholds", "fail_on_regression")}),
        (SCRIPT, {"fields": ("file", "script", "uploads", "removed"), "classes": ("kd-script-set",)}),
        ("Who sees it", {"fields": ("archived", "public")}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Scenario]:
        return super().get_queryset(request).prefetch_related("versions")

    @display(description="Engine", label={"k6": "info", "Artillery": "warning"})
    def kind(self, row: Scenario) -> str:
        return row.get_engine_display()

    @admin.display(description="Version")
    def version(self, row: Scenario) -> str:
        latest = max(row.versions.all(), key=lambda version: version.number, default=None)
        return f"v{latest.number}" if latest else NOTHING

    @admin.display(description="Load as scripted")
    def load(self, row: Scenario) -> str:
        latest = max(row.versions.all(), key=lambda version: version.number, default=None)
        facts = facts_of(latest) if latest else None
        return load_in_words(facts.load).removeprefix("as scripted: ") if facts else NOTHING

    def get_readonly_fields(self, request: HttpRequest, obj: Scenario | None = None) -> tuple[str, ...]:
        # Pipelines call a scenario by its name, and its versions are written for its engine.
        return ("name", "engine") if obj else ()

    def get_fieldsets(self, request: HttpRequest, obj: Scenario | None = None):  # type: ignore[no-untyped-def]
        sets = super().get_fieldsets(request, obj)
        latest = obj.latest() if obj else None
        if obj is not None and not self.has_change_permission(request, obj):
            shown = ("shown_file", "shown_script", "shown_files")
            return [(title, {**options, "fields": shown} if title == SCRIPT else options) for title, options in sets]
        if latest is not None and latest.files:
            return sets
        # Nothing to remove: the question would be one without answers.
        return [(title, {**options, "fields": _without(options["fields"], "removed")}) for title, options in sets]

    @admin.display(description="Main file")
    def shown_file(self, row: Scenario) -> str:
        latest = row.latest()
        return latest.file if latest else NOTHING

    @admin.display(description="Script")
    def shown_script(self, row: Scenario) -> str:
        latest = row.latest()
        return script_box(latest.script) if latest else NOTHING

    @admin.display(description="Further files")
    def shown_files(self, row: Scenario) -> str:
        latest = row.latest()
        return ", ".join(sorted(latest.files if latest else ())) or NOTHING

    def save_model(self, request: HttpRequest, obj: Scenario, form: ScenarioForm, change: bool) -> None:
        assert form.source is not None, "A valid form has a source."
        if change:
            super().save_model(request, obj, form, change)
        before = form.latest.number if form.latest else 0
        version = save_scenario(
            obj.name, form.source, parts=parts(), by=actor_of(request), title=obj.title, description=obj.description,
            facts=form.facts,
        )  # fmt: skip
        if not change:
            obj.pk = version.scenario_id
            obj._state.adding = False
            obj.created = version.scenario.created
            super().save_model(request, obj, form, True)
        form.is_told = version.number != before
        if form.is_told:
            messages.info(request, f"Version {version.number} saved, digest {version.digest[:16]}.")

    def tell(self, request: HttpRequest, deed: Deed, row: Scenario, **detail: Any) -> None:
        record(actor_of(request), deed, scenario=row.name, **detail)

    def save_related(self, request: HttpRequest, form: ModelForm, formsets: Any, change: bool) -> None:
        # Of a new version the use case has told already.
        is_told = isinstance(form, ScenarioForm) and form.is_told
        save = ModelAdmin.save_related if is_told else Audited.save_related
        save(self, request, form, formsets, change)

    def has_run_now_permission(self, request: HttpRequest, obj: object = None) -> bool:
        # A method of our own: for a permission's name Unfold's system check asks a database that is not there yet.
        return request.user.has_perm("portal.add_run")

    @action(
        description="Run now", url_path="run", icon="play_arrow", permissions=["run_now"], variant=ActionVariant.PRIMARY,
        dialog=RUN_DIALOG,
    )  # fmt: skip
    def run_now(self, request: HttpRequest, form: RunForm, object_id: str) -> HttpResponse:
        return start(request, form, RUN_DIALOG)


def _without(fields: tuple[Any, ...], name: str) -> tuple[Any, ...]:
    return tuple(field for field in fields if field != name)
