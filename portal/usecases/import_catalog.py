"""Imports the scenarios of a catalog file. May be repeated: what has not changed makes no new version."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any  # Any: entries of a YAML file

import yaml
from django.db import transaction

from portal.core.access import SYSTEM, Actor
from portal.core.errors import RequestRejected
from portal.core.thresholds import parse_thresholds
from portal.models import Environment, Scenario, ScenarioVersion
from portal.models.audit import Deed
from portal.models.environment import Place
from portal.usecases.read_source import engine_of, read_source
from portal.usecases.record_audit import record
from portal.usecases.save_scenario import save_scenario
from portal.wiring import Parts

SHOP = {"product": 18101, "user": 18102, "checkout": 18103, "analytics": 18104}


@dataclass(frozen=True, slots=True)
class Imported:
    """One entry of the catalog and what became of it."""

    version: ScenarioVersion
    is_new: bool


def import_catalog(catalog: Path, parts: Parts, *, by: Actor) -> tuple[Imported, ...]:
    """Raises RequestRejected naming the entry that cannot be imported; those before it stay."""
    return tuple(_import(catalog.parent, entry, parts, by) for entry in _entries(catalog))


def ensure_local_environment(*, by: Actor = SYSTEM) -> tuple[Environment, bool]:
    """The environment `local`, which points at the sample shop; one that is there stays as it is."""
    with transaction.atomic():
        environment, is_new = Environment.objects.get_or_create(
            name="local",
            defaults={
                "description": "The sample shop on this machine.",
                "place": Place.LOCAL,
                "targets": {service: f"http://127.0.0.1:{port}" for service, port in SHOP.items()},
            },
        )
        if is_new:
            record(by, Deed.ENVIRONMENT_SAVED, environment=environment.name, targets=environment.targets)
    return environment, is_new


def _entries(catalog: Path) -> list[Mapping[str, Any]]:
    try:
        found = yaml.safe_load(catalog.read_text())
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise RequestRejected.because("catalog", f"{catalog.name} cannot be read ({error}).") from error
    entries = found.get("scenarios") if isinstance(found, dict) else found
    if not isinstance(entries, list) or not all(isinstance(entry, dict) and {"name", "file"} <= set(entry) for entry in entries):
        raise RequestRejected.because("catalog", f"{catalog.name} is not a list of scenarios.", "Each has a name and a file.")
    return entries


def _import(folder: Path, entry: Mapping[str, Any], parts: Parts, by: Actor) -> Imported:
    name = str(entry["name"])
    try:
        path = folder / str(entry["file"])
        extra = [file for pattern in entry.get("files") or () for file in _matching(path.parent, str(pattern))]
        source = read_source(path, str(entry.get("engine") or engine_of(path)), extra=extra)
        known = ScenarioVersion.objects.filter(scenario__name=name).count()
        rules = parse_thresholds(entry.get("thresholds") or {}, source="scenario")
        title, description = (str(entry.get(field) or "").strip() for field in ("title", "description"))
        version = save_scenario(name, source, parts=parts, by=by, title=title, description=description)
        if rules:
            Scenario.objects.filter(name=name).update(thresholds=entry["thresholds"])
    except RequestRejected as error:
        raise RequestRejected([type(item)(f"{name}.{item.field}", item.message, item.hint) for item in error.problems]) from error
    return Imported(version, is_new=version.number > known)


def _matching(folder: Path, pattern: str) -> list[Path]:
    """Raises RequestRejected for a pattern that finds nothing: a file the scenario needs is missing."""
    found = [file for file in sorted(folder.glob(pattern)) if file.is_file()]
    if not found:
        raise RequestRejected.because("files", f"There is no {pattern} beside the script.")
    return found
