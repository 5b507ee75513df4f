"""Reads the JSON that `k6 inspect --execution-requirements` prints into ScriptFacts. Pure."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Any  # Any: foreign JSON

from portal.core.duration import parse_duration
from portal.core.errors import Problem, RequestRejected, ScriptInvalid
from portal.core.load import ScriptLoad
from portal.core.script import ScriptFacts
from portal.core.thresholds import Threshold, parse_thresholds
from portal.engines.k6_data import data_files
from portal.engines.k6_probe import NOTHING_ELSE, Probe

ITERATIONS = ("shared-iterations", "per-vu-iterations")
EXTENSION = "knopfdruck"
NO_FILES: Mapping[str, bytes] = MappingProxyType({})
AROUND = ("::setup", "::teardown")
"""The groups under which k6 reports what setup() and teardown() do."""
DEFAULT_WITHIN = timedelta(seconds=60)
"""How long k6 lets setup() and teardown() take unless the script's options say otherwise."""


def read_facts(printed: str, probe: Probe = NOTHING_ELSE, files: Mapping[str, bytes] = NO_FILES) -> ScriptFacts:
    """Raises ScriptInvalid for a load that cannot be shared, a threshold that cannot be judged, data that cannot be divided."""
    try:
        found: dict[str, Any] = json.loads(printed)
        scenarios: dict[str, dict[str, Any]] = found["scenarios"] or {}
        load = ScriptLoad(_longest(scenarios), int(found["maxVUs"]), _most_workers(scenarios))
        ours = _extension(found.get("ext"))
        own_thresholds = parse_thresholds(ours.get("thresholds") or {}, source="script")
        thresholds = (*parse_thresholds(found.get("thresholds") or {}, source="script"), *own_thresholds)
        data = data_files(ours.get("data") or {}, files)
    except RequestRejected as error:
        raise ScriptInvalid(error.problems) from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ScriptInvalid((Problem("script", f"k6's description of the script cannot be read ({error})."),)) from error
    around = tuple(threshold for threshold in thresholds if probe.any and _is_around(threshold))
    kept = tuple(threshold for threshold in thresholds if threshold not in around)
    warnings = tuple(f"{rule.text} is not judged: setup() and teardown() are no part of the measured load." for rule in around)
    return ScriptFacts(
        load, kept, tuple(sorted(scenarios)), warnings, _whole_only(scenarios),
        setup_within=_within(found, "setup") if probe.setup else None,
        teardown_within=_within(found, "teardown") if probe.teardown else None, data=data,
    )  # fmt: skip


def _is_around(threshold: Threshold) -> bool:
    return any(("group", group) in threshold.labels for group in AROUND)


def _within(found: Mapping[str, Any], what: str) -> timedelta | None:
    """None where the options switch it off."""
    if found.get(f"no{what.title()}"):
        return None
    return _span(found.get(f"{what}Timeout")) or DEFAULT_WITHIN


def _extension(ext: object) -> Mapping[str, Any]:
    """What k6 has no place for and passes on: `ext: { knopfdruck: { thresholds: {...}, data: {...} } }`."""
    ours = ext.get(EXTENSION) if isinstance(ext, dict) else None
    if ours and (not isinstance(ours, dict) or set(ours) - {"thresholds", "data"}):
        raise RequestRejected.because("thresholds", f"ext.{EXTENSION} takes thresholds and data, nothing else.")
    return ours or {}


def _longest(scenarios: Mapping[str, Mapping[str, Any]]) -> timedelta | None:
    """When the last scenario stops making load. k6's own totalDuration also counts the graceful stop."""
    return max((_span(one.get("startTime")) + _length(one) for one in scenarios.values()), default=None)


def _length(one: Mapping[str, Any]) -> timedelta:
    if one["executor"] in ITERATIONS:
        return _span(one.get("maxDuration") or "10m")
    if one.get("stages"):
        return sum((_span(stage["duration"]) for stage in one["stages"]), timedelta())
    return _span(one.get("duration"))


def _span(text: object) -> timedelta:
    return parse_duration(text) if text else timedelta()


def _most_workers(scenarios: Mapping[str, Mapping[str, Any]]) -> int | None:
    """The fewest units any scenario can be divided into; beyond it a worker idles or arrivals are dropped."""
    for name, one in scenarios.items():
        if one["executor"] not in _SHARES:
            raise ScriptInvalid((Problem(
                "script", f"Scenario {name} uses the executor {one['executor']}, which cannot be shared between workers.",
                "Use a constant, ramping or iterations executor; a run is stopped from the portal."),))  # fmt: skip
    return min((max(1, math.ceil(_SHARES[one["executor"]](one))) for one in scenarios.values()), default=None)


def _whole_only(scenarios: Mapping[str, Mapping[str, Any]]) -> str:
    """A number of iterations has no clock: nobody can say how many of them a lost worker has left."""
    for name, one in sorted(scenarios.items()):
        if one["executor"] in ITERATIONS:
            return f"Scenario {name} counts iterations ({one['executor']}), so the rest of it cannot be run by another worker."
    return ""


def _ramp(one: Mapping[str, Any]) -> float:
    return max([_number(one, "startVUs"), *(float(stage["target"]) for stage in one.get("stages") or ())])


def _number(one: Mapping[str, Any], name: str, default: float = 1) -> float:
    value = one.get(name)
    return default if value is None else float(value)


_SHARES: dict[str, Callable[[Mapping[str, Any]], float]] = {
    "constant-vus": lambda one: _number(one, "vus"),
    "ramping-vus": _ramp,
    "constant-arrival-rate": lambda one: _number(one, "preAllocatedVUs"),
    "ramping-arrival-rate": lambda one: _number(one, "preAllocatedVUs"),
    "shared-iterations": lambda one: min(_number(one, "vus"), _number(one, "iterations")),
    "per-vu-iterations": lambda one: _number(one, "vus"),
}
