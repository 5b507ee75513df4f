"""Scenario versions: read-only, because a version never changes."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin, TabularInline

from portal.core.words import NOTHING
from portal.models import ScenarioVersion


class ReadOnly:
    """No adding, changing, deleting."""

    def has_add_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


def script_box(text: str) -> SafeString:
    return format_html('<pre class="kd-code kd-script" tabindex="0">{}</pre>', text)


class VersionInline(ReadOnly, TabularInline):
    """A scenario's versions, newest first, as a tab of its page."""

    model = ScenarioVersion
    verbose_name_plural = "Versions"
    tab, extra, hide_title = True, 0, True
    fields = readonly_fields = ("number", "short_digest", "file", "author", "created")

    @admin.display(description="Digest")
    def short_digest(self, row: ScenarioVersion) -> SafeString:
        url = reverse("admin:portal_scenarioversion_change", args=(row.pk,))
        return format_html('<a class="kd-link" href="{}">{}</a>', url, row.digest[:16])


@admin.register(ScenarioVersion)
class ScenarioVersionAdmin(ReadOnly, ModelAdmin):
    list_display = ("__str__", "short_digest", "file", "author", "created")
    list_filter = ("scenario__engine",)
    search_fields = ("scenario__name", "digest")
    list_select_related = ("scenario",)
    fields = readonly_fields = ("scenario", "number", "digest", "file", "code", "further_files", "author", "created")

    @admin.display(description="Digest")
    def short_digest(self, row: ScenarioVersion) -> str:
        return row.digest[:16]

    @admin.display(description="Script")
    def code(self, row: ScenarioVersion) -> SafeString:
        return script_box(row.script)

    @admin.display(description="Further files")
    def further_files(self, row: ScenarioVersion) -> str:
        return ", ".join(sorted(row.files)) or NOTHING

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """Versions go with their scenario, never alone; Django asks here whether they may."""
        return request.resolver_match is not None and request.resolver_match.url_name == "portal_scenario_delete"
