"""The audit log: read-only, to be filtered and exported."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, StreamingHttpResponse
from unfold.admin import ModelAdmin
from unfold.decorators import action

from portal.admin.version import ReadOnly
from portal.models.audit import AuditEntry
from portal.usecases.export_audit import COLUMNS, export_audit

TYPES = {"csv": "text/csv", "json": "application/x-ndjson"}


@admin.register(AuditEntry)
class AuditAdmin(ReadOnly, ModelAdmin):
    list_display = ("at", "who", "way", "deed", "run", "scenario", "environment", "subject", "ip")
    list_filter = ("deed", "way", "environment", "at")
    search_fields = ("who", "run", "scenario", "environment", "subject", "token", "ip")
    date_hierarchy = "at"
    fields = readonly_fields = COLUMNS
    actions = ("as_csv", "as_json")

    def get_actions(self, request: HttpRequest):  # type: ignore[no-untyped-def]
        found = super().get_actions(request)
        return {name: item for name, item in found.items() if name in self.actions}

    @action(description="Export as CSV")
    def as_csv(self, request: HttpRequest, rows: QuerySet[AuditEntry]) -> StreamingHttpResponse:
        return _file(rows, "csv")

    @action(description="Export as JSON lines")
    def as_json(self, request: HttpRequest, rows: QuerySet[AuditEntry]) -> StreamingHttpResponse:
        return _file(rows, "json")


def _file(rows: QuerySet[AuditEntry], form: str) -> StreamingHttpResponse:
    name = "audit.csv" if form == "csv" else "audit.jsonl"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingHttpResponse(export_audit(rows, form), content_type=TYPES[form], headers=headers)
