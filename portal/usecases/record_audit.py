"""Adds to the audit log. Called inside the transaction of what it tells: neither is there without the other."""

from __future__ import annotations

from typing import Any  # Any: what a deed's details are, as JSON

from portal.core.access import Actor
from portal.models import Run
from portal.models.audit import AuditEntry, Deed


def record(
    by: Actor, deed: Deed, *, run: Run | None = None, scenario: str = "", environment: str = "",
    subject: str = "", **detail: Any,
) -> None:  # fmt: skip
    """A run names its scenario version and its environment by itself."""
    if run is not None:
        scenario, environment = str(run.version), run.environment.name
    AuditEntry.objects.create(
        who=by.name[:150], way=by.way, token=by.token, ip=by.ip or None, agent=by.agent[:200], deed=deed,
        run=run.id if run else "", scenario=scenario, environment=environment, subject=subject[:200], detail=detail,
    )  # fmt: skip
