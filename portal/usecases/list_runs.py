"""Finds runs: filtered, searched, in order, a page at a time.

A page goes on from the last row of the one before, so pages stay right while new runs come in.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any  # Any: rows as JSON

from django.db.models import Q
from django.db.models.fields.json import KeyTransform

from portal.core.errors import RequestRejected
from portal.models import ScenarioVersion
from portal.models.run import RunQuerySet
from portal.usecases.read_run import moment

ORDERS = ("-created", "created", "-started", "started", "-ended", "ended")
"""By `started` or `ended` only runs that have begun or ended are listed."""
SHORTEST_PART = 3
_COLUMNS = (
    "id", "version__scenario__name", "version__number", "version__scenario__engine", "environment__name", "backend",
    "requested_by", "state", "end_reason", "verdict", "message", "created", "started", "ended", "workers", "note", "tags",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class RunFilter:
    """What is left empty does not narrow. `tags` by name; a value of None asks for the name only."""

    scenario: str = ""
    environment: str = ""
    backend: str = ""
    state: tuple[str, ...] = ()
    verdict: tuple[str, ...] = ()
    requested_by: str = ""
    tags: Mapping[str, str | None] = field(default_factory=dict)
    since: datetime | None = None
    until: datetime | None = None
    search: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """`cursor` is where the next page goes on; empty when this is the last one."""

    rows: tuple[dict[str, Any], ...]
    cursor: str


def list_runs(runs: RunQuerySet, wanted: RunFilter, *, order: str = "-created", cursor: str = "", limit: int = 50) -> Page:
    """`runs` are those the caller may see. Raises RequestRejected for a cursor that no page gave."""
    name = order.removeprefix("-")
    found = _filtered(runs, wanted)
    if name != "created":
        found = found.exclude(**{name: None})
    if cursor:
        found = found.filter(_after(order, *_decoded(cursor, order)))
    turn = "-" if order.startswith("-") else ""
    # Ids first: where rows have to be sorted, they are sorted without their messages and summaries.
    keys = list(found.order_by(order, f"{turn}id").values_list("id", name)[: limit + 1])
    # Columns and not models: of 200 runs those would be 800, and take longer than all else.
    columns = runs.filter(pk__in=[run_id for run_id, _ in keys[:limit]]).values(*_COLUMNS, **_numbers())
    rows = {row["id"]: row for row in columns}
    more = _encoded(order, keys[limit - 1][1], keys[limit - 1][0]) if len(keys) > limit else ""
    return Page(tuple(_row(rows[run_id]) for run_id, _ in keys[:limit] if run_id in rows), more)


def _filtered(runs: RunQuerySet, wanted: RunFilter) -> RunQuerySet:
    plain: dict[str, Any] = {
        "environment__name": wanted.environment, "backend": wanted.backend,
        "state__in": wanted.state, "verdict__in": wanted.verdict, "requested_by": wanted.requested_by,
        "created__gte": wanted.since, "created__lt": wanted.until,
    }  # fmt: skip
    found = runs.filter(**{lookup: value for lookup, value in plain.items() if value})
    if wanted.scenario:
        # A list instead of a join: the database then begins in the index of runs and not at the scenario.
        found = found.filter(version__in=_versions(scenario__name=wanted.scenario))
    for number, (tag, value) in enumerate(wanted.tags.items()):
        # A transform of its own instead of `tags__name`: a tag may be called as a lookup is.
        found = found.alias(**{f"tag{number}": KeyTransform(tag, "tags")})
        found = found.filter(**({f"tag{number}__isnull": False} if value is None else {f"tag{number}": value}))
    return found.filter(_said(wanted.search)) if wanted.search else found


def _said(said: str) -> Q:
    """PostgreSQL's index knows words of three letters and beginnings; shorter ones it could only look for everywhere."""
    lookup = "icontains" if len(said) >= SHORTEST_PART else "istartswith"
    of_scenario = Q(version__in=_versions(scenario__name__icontains=said))
    return Q(**{f"note__{lookup}": said}) | Q(id__startswith=said) | of_scenario


def _versions(**wanted: str) -> list[int]:
    return list(ScenarioVersion.objects.filter(**wanted).values_list("pk", flat=True))


def _numbers() -> dict[str, KeyTransform]:
    """The few a list shows, read out of the summary by the database: a summary may be large."""
    return {
        "requests": KeyTransform("requests", "result__summary"),
        "failed": KeyTransform("failed", "result__summary"),
        "p95_ms": KeyTransform("p95", KeyTransform("latency", "result__summary")),
    }


def _row(run: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": run["id"], "scenario": run["version__scenario__name"], "version": run["version__number"],
        "engine": run["version__scenario__engine"], "environment": run["environment__name"], "backend": run["backend"],
        "requested_by": run["requested_by"], "state": run["state"], "end_reason": run["end_reason"] or None,
        "verdict": run["verdict"] or None, "message": run["message"], "created": moment(run["created"]),
        "started": moment(run["started"]), "ended": moment(run["ended"]), "workers": run["workers"],
        "requests": run["requests"], "failed": run["failed"], "p95_ms": run["p95_ms"], "note": run["note"], "tags": run["tags"],
    }  # fmt: skip


def _after(order: str, value: datetime, run_id: str) -> Q:
    name, beyond = order.removeprefix("-"), "lt" if order.startswith("-") else "gt"
    # The first condition alone lets the database begin in its index; the second leaves out what was seen.
    return Q(**{f"{name}__{beyond}e": value}) & (Q(**{f"{name}__{beyond}": value}) | Q(**{f"id__{beyond}": run_id}))


def _encoded(order: str, value: datetime, run_id: str) -> str:
    return base64.urlsafe_b64encode(json.dumps([order, value.isoformat(), run_id]).encode()).decode().rstrip("=")


def _decoded(cursor: str, order: str) -> tuple[datetime, str]:
    try:
        said, value, run_id = json.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True))
        at = datetime.fromisoformat(value)
        if said == order and at.tzinfo is not None and 2000 < at.year < 2200 and str(run_id).isprintable():
            return at, str(run_id)[:32]
    except (binascii.Error, ValueError, TypeError, RecursionError):
        pass
    raise RequestRejected.because("cursor", "This is not a cursor of this list and order.", "Leave it out to begin at the start.")
