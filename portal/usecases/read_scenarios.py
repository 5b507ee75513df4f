"""Scenarios, their versions and environments as plain data, in pages by name or number."""

from __future__ import annotations

import re
from typing import Any  # Any: JSON answers

from django.db.models import Max

from portal.core.access import Actor
from portal.core.errors import NotFound
from portal.models import Environment, Scenario, ScenarioVersion
from portal.usecases.list_templates import facts_of, load_of, parameters_of
from portal.usecases.read_run import moment

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")


def find_scenario(name: str) -> Scenario:
    """Raises NotFound."""
    row = Scenario.objects.filter(name=name).first() if _NAME.fullmatch(name) else None
    if row is None:
        raise NotFound(f"There is no scenario {name[:60]!r}.", hint="GET /scenarios lists them.")
    return row


def find_version(name: str, number: int) -> ScenarioVersion:
    """Raises NotFound."""
    scenario = find_scenario(name)
    row = scenario.versions.select_related("scenario").filter(number=number).first() if number < 1 << 31 else None
    if row is None:
        raise NotFound(f"{name} has no version {str(number)[:20]}.", hint=f"GET /scenarios/{name}/versions lists them.")
    return row


def find_environment(name: str, *, by: Actor) -> Environment:
    """Raises NotFound, also for one the actor may not see."""
    row = Environment.objects.seen_by(by).filter(name=name).first() if _NAME.fullmatch(name) else None
    if row is None:
        raise NotFound(f"There is no environment {name[:60]!r}.", hint="GET /environments lists them.")
    return row


def newest_number(name: str) -> int:
    """0 where there is no such scenario yet."""
    found = ScenarioVersion.objects.filter(scenario__name=name).aggregate(newest=Max("number"))["newest"]
    return found or 0


def list_scenarios(*, after: str, limit: int, archived: bool) -> tuple[list[dict[str, Any]], str]:
    """Rows in order of name, and the name to go on after; empty at the end."""
    rows = Scenario.objects.filter(name__gt=after).order_by("name").prefetch_related("versions")
    found = list((rows if archived else rows.filter(archived=False))[: limit + 1])
    return [scenario_row(row) for row in found[:limit]], found[limit - 1].name if len(found) > limit else ""


def list_versions(scenario: Scenario, *, before: int | None, limit: int) -> tuple[list[dict[str, Any]], str]:
    """The newest first, and the number to go on before."""
    rows = scenario.versions.select_related("scenario").order_by("-number")
    found = list((rows if before is None else rows.filter(number__lt=before))[: limit + 1])
    return [version_row(row) for row in found[:limit]], str(found[limit - 1].number) if len(found) > limit else ""


def list_environments(*, after: str, limit: int, by: Actor) -> tuple[list[dict[str, Any]], str]:
    found = list(Environment.objects.seen_by(by).filter(name__gt=after).order_by("name")[: limit + 1])
    return [environment_row(row) for row in found[:limit]], found[limit - 1].name if len(found) > limit else ""


def scenario_row(row: Scenario) -> dict[str, Any]:
    newest = max(row.versions.all(), key=lambda version: version.number, default=None)
    facts = facts_of(newest) if newest else None
    return {
        "name": row.name, "title": row.title, "description": row.description, "engine": row.engine, "archived": row.archived,
        "public": row.public, "fail_on_regression": row.fail_on_regression, "thresholds": row.thresholds,
        "version": newest.number if newest else None, "load": load_of(facts),
        "created": moment(row.created), "updated": moment(row.updated),
    }  # fmt: skip


def version_row(row: ScenarioVersion) -> dict[str, Any]:
    facts = facts_of(row)
    return {
        "scenario": row.scenario.name, "number": row.number, "engine": row.scenario.engine, "file": row.file,
        "digest": row.digest, "author": row.author, "created": moment(row.created), "load": load_of(facts),
        "thresholds": [rule.text for rule in facts.thresholds] if facts else [], "parameters": parameters_of(row),
        "warnings": list(facts.warnings) if facts else [],
    }  # fmt: skip


def version_detail(row: ScenarioVersion) -> dict[str, Any]:
    """With the script and its files (base64), as they were saved."""
    return {**version_row(row), "script": row.script, "files": row.files}


def environment_row(row: Environment) -> dict[str, Any]:
    return {
        "name": row.name, "description": row.description, "place": row.place, "aws": row.aws, "targets": row.targets,
        "parameters": row.parameters, "secrets": row.secrets,
        "thresholds": row.thresholds, "most_vus": row.most_vus, "most_rate": row.most_rate,
        "longest_seconds": row.longest_seconds, "allowed_hosts": row.allowed_hosts, "allowed_networks": row.allowed_networks,
        "most_runs": row.most_runs, "most_cost": row.most_cost, "most_cost_a_month": row.most_cost_a_month,
        "allowed_hours": row.allowed_hours, "timezone": row.timezone, "freezes": row.freezes,
        "requires_approval": row.requires_approval, "health_path": row.health_path,
        "created": moment(row.created), "updated": moment(row.updated),
    }  # fmt: skip
