"""A k6 archive cut to a part of its load, for a worker that takes over in the middle or hands over before the end.

k6 reads an archive's load from its `metadata.json`, not from the script: scenarios that are over go, those that run
begin at the level they have reached, those to come wait for less. Segments cut the same shares out of the rest.
"""

from __future__ import annotations

import io
import json
import math
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from fractions import Fraction
from typing import Any  # Any: foreign JSON

from portal.core.duration import parse_duration
from portal.core.errors import WireInvalid
from portal.core.load import ClosedLoad, OpenLoad, Stage, exact_seconds, first_of, rest_of

METADATA = "metadata.json"
SHORTCUTS = ("vus", "duration", "stages", "iterations")
MICROSECONDS = "us"
FINEST_RATE = 10_000
"""The level where an arrival rate is cut, as a fraction of at most this denominator: k6 takes whole numbers per time unit."""


def rest_of_archive(archive: bytes, elapsed: timedelta, until: timedelta | None = None) -> bytes:
    """The same archive with what is left of its load after `elapsed`, and `until` that time from the common start on.

    Raises WireInvalid where nothing can be left.
    """
    out = io.BytesIO()
    with tarfile.open(fileobj=io.BytesIO(archive)) as old, tarfile.open(fileobj=out, mode="w") as new:
        for entry in old:
            file = old.extractfile(entry)
            data = file.read() if file else b""
            if entry.name == METADATA:
                data = _rest_of_metadata(data, elapsed, until)
                entry.size = len(data)
            new.addfile(entry, io.BytesIO(data))
    return out.getvalue()


def _rest_of_metadata(data: bytes, elapsed: timedelta, until: timedelta | None) -> bytes:
    found: dict[str, Any] = json.loads(data)
    options = found["options"]
    whole = _scenarios(options)
    left = rest_of_scenarios(whole if until is None else first_of_scenarios(whole, until), elapsed)
    if not left:
        raise WireInvalid("Nothing is left of this load.")
    options |= {**dict.fromkeys(SHORTCUTS), "scenarios": left}
    return json.dumps(found).encode()


def rest_of_scenarios(scenarios: Mapping[str, Mapping[str, Any]], elapsed: timedelta) -> dict[str, dict[str, Any]]:
    """Without those that are over. Raises WireInvalid for an executor whose rest nobody knows."""
    found = {}
    for name, one in scenarios.items():
        begins = _span(one.get("startTime"))
        if begins >= elapsed:
            found[name] = {**one, "startTime": _text(begins - elapsed)}
        elif (left := _left(one, elapsed - begins)) is not None:
            found[name] = {**one, **left, "startTime": "0s"}
    return found


def first_of_scenarios(scenarios: Mapping[str, Mapping[str, Any]], until: timedelta) -> dict[str, dict[str, Any]]:
    """Without what begins later, each ending at `until` at the latest: its users then finish what they are doing."""
    begins = {name: _span(one.get("startTime")) for name, one in scenarios.items()}
    return {name: {**one, **_first(one, until - begins[name])} for name, one in scenarios.items() if begins[name] < until}


def _scenarios(options: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
    """The scenarios, also where the script used a shortcut; k6 calls that one `default`."""
    if options.get("scenarios"):
        found: Mapping[str, Mapping[str, Any]] = options["scenarios"]
        return found
    if options.get("stages"):
        return {"default": {"executor": "ramping-vus", "startVUs": options.get("vus"), "stages": options["stages"]}}
    if options.get("duration") and not options.get("iterations"):
        return {"default": {"executor": "constant-vus", "vus": options.get("vus"), "duration": options["duration"]}}
    return {"default": {"executor": "shared-iterations"}}


def _left(one: Mapping[str, Any], elapsed: timedelta) -> dict[str, Any] | None:
    executor = one["executor"]
    if executor in ("constant-vus", "constant-arrival-rate"):
        left = _span(one["duration"]) - elapsed
        return {"duration": _text(left)} if left > timedelta() else None
    if executor == "ramping-vus":
        users = rest_of(ClosedLoad(_count(one, "startVUs"), _stages(one, Fraction(1))), elapsed)
        return None if users is None else _users(users)
    if executor == "ramping-arrival-rate":
        unit = exact_seconds(_span(one.get("timeUnit") or "1s"))
        rate = rest_of(OpenLoad(_count(one, "startRate", 0) / unit, _stages(one, unit)), elapsed)
        return None if rate is None else _rate(rate)
    raise WireInvalid(f"The rest of the executor {executor} cannot be run.")


def _first(one: Mapping[str, Any], length: timedelta) -> dict[str, Any]:
    executor = one["executor"]
    if executor in ("constant-vus", "constant-arrival-rate"):
        return {"duration": _text(min(_span(one["duration"]), length))}
    if executor == "ramping-vus":
        return {"stages": list(_whole_users(first_of(ClosedLoad(_count(one, "startVUs"), _stages(one, Fraction(1))), length)))}
    if executor == "ramping-arrival-rate":
        unit = exact_seconds(_span(one.get("timeUnit") or "1s"))
        return _rate(_fine(first_of(OpenLoad(_count(one, "startRate", 0) / unit, _stages(one, unit)), length)))
    raise WireInvalid(f"A part of the executor {executor} cannot be run.")


def _whole_users(load: ClosedLoad) -> Iterator[dict[str, Any]]:
    """A ramp that is cut between two whole numbers of users stays at the last one it met."""
    level = load.start
    for stage in load.stages:
        last = math.floor(stage.target) if stage.target > level else math.ceil(stage.target)
        left = stage.duration
        if stage.target not in (last, level):
            met = (last - level) / (stage.target - level)
            until = timedelta(microseconds=int(exact_seconds(stage.duration) * met * 1_000_000))
            yield {"duration": _text(until), "target": last}
            left -= until
        yield {"duration": _text(left), "target": last}
        level = stage.target


def _stages(one: Mapping[str, Any], unit: Fraction) -> tuple[Stage, ...]:
    return tuple(Stage(_span(stage["duration"]), Fraction(str(stage["target"])) / unit) for stage in one["stages"])


def _users(load: ClosedLoad) -> dict[str, Any]:
    """k6 starts and stops whole users, so a cut inside a ramp first goes on to the next whole number, at the same slope."""
    first, *others = load.stages
    rises = first.target > load.start
    now, following = (math.floor, math.ceil) if rises else (math.ceil, math.floor)
    begin, towards = now(load.start), following(load.start)
    stages = [{"duration": _text(stage.duration), "target": int(stage.target)} for stage in others]
    return {"startVUs": begin, "stages": [*_ramp(load.start, first, towards), *stages]}


def _ramp(level: Fraction, stage: Stage, towards: int) -> Iterator[dict[str, Any]]:
    if level != stage.target and level != towards:
        part = (towards - level) / (stage.target - level)
        until = timedelta(microseconds=int(exact_seconds(stage.duration) * part * 1_000_000))
        yield {"duration": _text(until), "target": towards}
        stage = Stage(stage.duration - until, stage.target)
    yield {"duration": _text(stage.duration), "target": int(stage.target)}


def _rate(load: OpenLoad) -> dict[str, Any]:
    start = load.start.limit_denominator(FINEST_RATE)
    unit = math.lcm(start.denominator, *(stage.target.denominator for stage in load.stages))
    stages = [{"duration": _text(stage.duration), "target": int(stage.target * unit)} for stage in load.stages]
    return {"startRate": int(start * unit), "timeUnit": f"{unit}s", "stages": stages}


def _fine(load: OpenLoad) -> OpenLoad:
    """With the level where it was cut as k6 can be told it."""
    *others, last = load.stages
    return replace(load, stages=(*others, replace(last, target=last.target.limit_denominator(FINEST_RATE))))


def _count(one: Mapping[str, Any], name: str, default: int = 1) -> Fraction:
    value = one.get(name)
    return Fraction(default if value is None else str(value))


def _span(text: object) -> timedelta:
    """Of k6's spelling or ours."""
    if isinstance(text, str) and text.endswith(MICROSECONDS):
        return timedelta(microseconds=int(text.removesuffix(MICROSECONDS)))
    return parse_duration(text) if text else timedelta()


def _text(span: timedelta) -> str:
    """To the microsecond, as Go reads it."""
    return f"{span // timedelta(microseconds=1)}{MICROSECONDS}"
