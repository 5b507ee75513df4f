"""Lists what can be started: scenarios with their load, thresholds and parameters, and environments. Starts nothing."""

from __future__ import annotations

import base64
import binascii
import re
from datetime import timedelta
from typing import Any  # Any: JSON answers

from portal.core.access import Actor
from portal.core.duration import format_duration
from portal.core.errors import WireInvalid
from portal.core.script import ScriptFacts
from portal.core.wire import from_plain
from portal.models import Environment, Scenario, ScenarioVersion
from portal.wiring import Parts

_VARIABLE = re.compile(r"(?:__ENV\.|__ENV\[['\"]|\$env\.|\$processEnvironment\.|process\.env\.)([A-Za-z_][A-Za-z0-9_]{0,63})")
_OURS = ("TARGET_", "K6_", "KD_", "ARTILLERY", "NODE_")


def list_templates(parts: Parts, *, by: Actor) -> dict[str, Any]:
    environments = [_environment(row) for row in Environment.objects.seen_by(by)]
    names = [row["name"] for row in environments]
    scenarios = [_scenario(row, names, parts) for row in Scenario.objects.filter(archived=False).prefetch_related("versions")]
    return {"scenarios": [row for row in scenarios if row is not None], "environments": environments}


def facts_of(version: ScenarioVersion) -> ScriptFacts | None:
    """What the engine said when the version was saved; None where an older portal wrote it."""
    try:
        return from_plain(ScriptFacts, version.facts)
    except WireInvalid:
        return None


def parameters_of(version: ScenarioVersion) -> list[str]:
    """The variables the script and its files read, without those the portal sets itself."""
    texts = [version.script]
    for name, data in version.files.items():
        if name.endswith((".js", ".mjs", ".cjs", ".ts", ".yml", ".yaml")):
            try:
                texts.append(base64.b64decode(data).decode("utf-8", "replace"))
            except (binascii.Error, ValueError):
                continue
    return sorted({name for text in texts for name in _VARIABLE.findall(text) if not name.startswith(_OURS)})


def backends_for(engine: str, length: timedelta | None, parts: Parts) -> list[str]:
    """Where a script of this engine and length can run."""
    least = length or timedelta()
    return [name for name, limits in parts.limits.items() if engine in limits.engines and least <= limits.longest]


def _scenario(scenario: Scenario, environments: list[str], parts: Parts) -> dict[str, Any] | None:
    version = max(scenario.versions.all(), key=lambda row: row.number, default=None)
    if version is None:
        return None
    facts = facts_of(version)
    backends = backends_for(scenario.engine, facts.load.length if facts else None, parts)
    return {
        "name": scenario.name,
        "title": scenario.title,
        "description": scenario.description,
        "engine": scenario.engine,
        "version": version.number,
        "backends": backends,
        "load": load_of(facts),
        "thresholds": [rule.text for rule in facts.thresholds] if facts else [],
        "parameters": parameters_of(version),
        "start": [_example(scenario, environments, name) for name in backends[:1]],
    }


def load_of(facts: ScriptFacts | None) -> dict[str, Any] | None:
    if facts is None:
        return None
    load = facts.load
    return {
        "duration": format_duration(load.length) if load.length else None,
        "peak_vus": load.peak_vus,
        "most_workers": load.most_workers,
        "scenarios": list(facts.scenarios),
    }


def _example(scenario: Scenario, environments: list[str], backend: str) -> dict[str, Any]:
    """A request that starts the scenario: with a small load of the kind its engine can make."""
    load = {"vus": 10, "duration": "30s"} if scenario.engine == "k6" else {"rate": 5, "duration": "30s"}
    environment = "local" if "local" in environments or not environments else environments[0]
    body = {"scenario": scenario.name, "environment": environment, **load}
    return {"method": "POST", "path": f"/load-tests/{backend}/start", "body": body}


def _environment(row: Environment) -> dict[str, Any]:
    return {
        "name": row.name, "description": row.description, "place": row.place, "targets": row.targets,
        "parameters": sorted(row.parameters), "most_vus": row.most_vus, "most_rate": row.most_rate,
        "longest_seconds": row.longest_seconds,
    }  # fmt: skip
