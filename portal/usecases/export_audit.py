"""The audit log as CSV or JSON lines, oldest first, a row at a time."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from datetime import datetime

from django.db.models import QuerySet

from portal.models.audit import AuditEntry

COLUMNS = ("at", "who", "way", "token", "ip", "agent", "deed", "run", "scenario", "environment", "subject", "detail")
FORMATS = ("csv", "json")


def audit_since(since: datetime | None) -> QuerySet[AuditEntry]:
    return AuditEntry.objects.filter(at__gte=since) if since else AuditEntry.objects.all()


def export_audit(rows: QuerySet[AuditEntry], form: str) -> Iterator[str]:
    """Lines of `form`, each with its line end."""
    entries = ({name: _plain(row, name) for name in COLUMNS} for row in rows.order_by("at", "id").iterator(chunk_size=500))
    if form == "json":
        yield from (json.dumps(entry, ensure_ascii=False) + "\n" for entry in entries)
        return
    writer = csv.writer(_Echo())
    yield writer.writerow(COLUMNS)
    for entry in entries:
        yield writer.writerow([_cell(entry[name]) for name in COLUMNS])


def _plain(row: AuditEntry, name: str) -> object:
    value = getattr(row, name)
    return value.isoformat() if isinstance(value, datetime) else value


def _cell(value: object) -> str:
    """A cell that begins like a formula would be run by the spreadsheet that opens the file."""
    text = json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else "" if value is None else str(value)
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


class _Echo:
    """What csv writes a line to, and gets it back from."""

    def write(self, line: str) -> str:
        return line
