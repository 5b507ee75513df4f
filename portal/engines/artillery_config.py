"""Our own check of an Artillery config's phases. Artillery takes a typing error in a phase for no load, and exits 0."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import Any  # Any: foreign YAML

from portal.core.duration import parse_duration
from portal.core.errors import Problem
from portal.core.load import exact_seconds
from portal.engines.artillery_phases import Phase

PHASE_KEYS = ("duration", "arrivalRate", "arrivalCount", "rampTo", "pause", "name", "maxVusers")
DEFAULT_PHASES = (Phase(Fraction(1), count=1),)
"""What Artillery does with a script that has no phases: one user."""
MOST_PHASES, MOST_RATE, MOST_COUNT = 1000, 1_000_000, 100_000_000
_TEMPLATE = re.compile(r"{{\s*(?:\$env|\$processEnvironment)\.([A-Za-z_][A-Za-z0-9_]*)\s*}}")


class UnsetVariableError(ValueError):
    """A template names a variable that is not set."""


def resolve(value: object, environment: Mapping[str, str]) -> object:
    """`{{ $env.X }}` filled in; raises UnsetVariableError. Other templates stay: only Artillery knows their variables."""
    if not isinstance(value, str):
        return value

    def fill(match: re.Match[str]) -> str:
        if match[1] not in environment:
            raise UnsetVariableError(f"{match[1]} is not set: give it as a parameter, or as a target of the environment.")
        return environment[match[1]]

    return _TEMPLATE.sub(fill, value)


def read_phases(config: Mapping[str, Any], environment: Mapping[str, str]) -> tuple[tuple[Phase, ...], tuple[Problem, ...]]:
    """The phases, and everything wrong with them."""
    given = config.get("phases")
    if given is None:
        return DEFAULT_PHASES, ()
    if not isinstance(given, list) or not given:
        return (), (Problem("script", "config.phases is not a list of phases.", "Write `- duration: 60` and `arrivalRate: 5`."),)
    if len(given) > MOST_PHASES:
        return (), (Problem("script", f"{len(given)} phases are more than the {MOST_PHASES} allowed."),)
    phases: list[Phase] = []
    problems: list[Problem] = []
    for number, item in enumerate(given, start=1):
        where = f"Phase {number}"
        if isinstance(item, dict) and isinstance(item.get("name"), str):
            where += f" ({item['name'][:60]})"
        try:
            phases.append(_phase(item, environment))
        except _PhaseError as error:
            problems.append(Problem("script", f"{where}: {error}", error.hint))
        except ValueError as error:
            problems.append(Problem("script", f"{where}: {error}"))
    return tuple(phases), tuple(problems)


class _PhaseError(ValueError):
    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


def closest(word: str, known: Iterable[str]) -> str:
    """A hint naming the known word most like this one."""
    by_case = {name.lower(): name for name in known}
    match = difflib.get_close_matches(word.lower(), by_case, n=1, cutoff=0.6)
    return f"Did you mean {by_case[match[0]]}?" if match else "Known are " + ", ".join(by_case.values()) + "."


def _phase(item: object, environment: Mapping[str, str]) -> Phase:
    if not isinstance(item, dict):
        raise _PhaseError("it is not a mapping.", "Write `- duration: 60` and `arrivalRate: 5`.")
    for key in item:
        if key not in PHASE_KEYS:
            raise _PhaseError(f"there is no setting {str(key)[:60]!r}.", closest(str(key), PHASE_KEYS))
    values = {key: resolve(value, environment) for key, value in item.items()}
    name = str(values.get("name") or "")
    if "pause" in values:
        _only(values, "pause", "name")
        return Phase(_seconds(values["pause"], "pause"), name=name)
    if "duration" not in values:
        raise _PhaseError("it has no duration.", "Add `duration`, in seconds or such as 2m.")
    seconds = _seconds(values["duration"], "duration")
    most = int(_number(values["maxVusers"], "maxVusers", 1, MOST_COUNT, whole=True)) if "maxVusers" in values else None
    if "arrivalCount" in values:
        _only(values, "arrivalCount", "duration", "name", "maxVusers")
        count = int(_number(values["arrivalCount"], "arrivalCount", 0, MOST_COUNT, whole=True))
        return Phase(seconds, count=count, max_vusers=most, name=name)
    if "arrivalRate" not in values and "rampTo" not in values:
        raise _PhaseError("it starts no users.", "Add arrivalRate (users per second), arrivalCount, or use pause.")
    start = _number(values.get("arrivalRate", 0), "arrivalRate", 0, MOST_RATE)
    end = _number(values["rampTo"], "rampTo", 0, MOST_RATE) if "rampTo" in values else start
    return Phase(seconds, start, end, max_vusers=most, name=name)


def _only(values: Mapping[str, object], first: str, *others: str) -> None:
    for key in values:
        if key not in (first, *others):
            raise _PhaseError(f"{first} and {key} do not go together.", "Use one phase for each.")


def _seconds(value: object, key: str) -> Fraction:
    try:
        seconds = exact_seconds(parse_duration(value))
    except ValueError as error:
        raise _PhaseError(f"{key} {str(value)[:60]!r} is not a duration.", "Write seconds, or such as 500ms, 30s, 2m.") from error
    if seconds <= 0:
        raise _PhaseError(f"{key} is 0.", "Leave the phase out.")
    return seconds


def _number(value: object, key: str, least: int, most: int, *, whole: bool = False) -> Fraction:
    kind = "whole number" if whole else "number"
    text = str(value).strip() if isinstance(value, (int, float, str)) and not isinstance(value, bool) else ""
    if not re.fullmatch(r"\d{1,12}(\.\d{1,12})?", text) or (whole and Fraction(text).denominator != 1):
        raise _PhaseError(f"{key} {str(value)[:60]!r} is not a {kind} of {least} or more.", "Leave the unit out.")
    if not least <= Fraction(text) <= most:
        raise _PhaseError(f"{key} {text} is not between {least} and {most:,}.")
    return Fraction(text)
