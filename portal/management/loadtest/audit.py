"""audit: prints the audit log, oldest first."""

from __future__ import annotations

from datetime import datetime
from typing import Any, TextIO  # Any: options, as argparse has them

from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime

from portal.core.errors import RequestRejected
from portal.management.loadtest.spans import parse_span
from portal.usecases.export_audit import audit_since, export_audit


def export(options: dict[str, Any], out: TextIO) -> None:
    for line in export_audit(audit_since(_since(options["since"])), options["format"]):
        out.write(line)


def _since(text: str | None) -> datetime | None:
    if not text:
        return None
    try:
        day = parse_date(text)
        found = datetime(day.year, day.month, day.day) if day else parse_datetime(text) or timezone.now() - parse_span(text)
    except (ValueError, OverflowError) as error:
        raise RequestRejected.because("--since", f"{text[:60]!r} is not a moment.", "Write 2026-11-24, 12h or 30d.") from error
    return found if timezone.is_aware(found) else timezone.make_aware(found)
