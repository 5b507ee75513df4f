"""Our own check of an Artillery script: Artillery has none, and much of what is wrong only shows as missing load.

Finds every problem and every warning at once; the load's phases are in artillery_config.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any  # Any: foreign YAML

from portal.core.errors import Problem
from portal.engines.artillery_config import UnsetVariableError, closest, resolve

METHODS = ("get", "post", "put", "patch", "delete", "head", "options")
STEPS = (*METHODS, "think", "log", "loop", "parallel", "function")
BESIDE = {"loop": ("count", "over", "whileTrue", "loopValue", "loopElement"), "parallel": ("limit",)}
MEASURED = ("http", "ws", "socketio")
PLUGINS = ("expect", "ensure", "metrics-by-endpoint", "publish-metrics", "apdex", "fake-data", "slack", "knopfdruck")
DEEPEST = 20
EXAMPLE = 'Write steps such as `- get: {url: "/"}`.'
_ANY_TEMPLATE = re.compile(r"{{.*}}")


def problems(script: Mapping[str, Any], files: Mapping[str, bytes], environment: Mapping[str, str]) -> Iterator[Problem]:
    config = script.get("config")
    if not isinstance(config, dict):
        yield _problem("The script has no config.", "Add config with target and phases.")
        return
    yield from _target_problems(config, script, environment)
    yield from _file_problems(config, files)
    scenarios = script.get("scenarios")
    if not isinstance(scenarios, list) or not scenarios:
        yield _problem("The script has no scenarios.", "Add scenarios, each with a flow of requests.")
        return
    for number, scenario in enumerate(scenarios, start=1):
        yield from _scenario_problems(scenario, _where(scenario, number))


def warnings(script: Mapping[str, Any]) -> Iterator[str]:
    """What Artillery will silently not do."""
    for number, scenario in enumerate(script["scenarios"], start=1):
        where = _where(scenario, number)
        if engine_of(scenario, script) not in MEASURED:
            yield f"{where} uses the engine {engine_of(scenario, script)}, which is not measured; {', '.join(MEASURED)} are."
        for step in _walk(scenario.get("flow")):
            think = step.get("think")
            if isinstance(think, float) and not think.is_integer():
                yield f'{where}: Artillery takes think: {think:g} for no pause at all. Write "{round(think * 1000)}ms".'
    for name in script["config"].get("plugins") or {}:
        if name not in PLUGINS:
            yield f"The plugin {name} is not part of Artillery and is not installed on workers; it is ignored."
    if script.get("before") or script.get("after"):
        yield "The script's before and after sections run once per run and are not measured."


def engine_of(scenario: Mapping[str, Any], script: Mapping[str, Any]) -> str:
    return str(scenario.get("engine") or script["config"].get("engine") or "http")


def scenario_names(script: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(str(scenario.get("name") or number) for number, scenario in enumerate(script["scenarios"]))


def payloads(config: Mapping[str, Any]) -> tuple[dict[str, Any], ...]:
    """config.payload as a tuple; Artillery takes one mapping or a list of them."""
    given = config.get("payload")
    found = given if isinstance(given, list) else [given] if given else []
    return tuple(item for item in found if isinstance(item, dict))


def relative(path: str) -> str:
    """A path as the bundle names it."""
    return str(PurePosixPath(path))


def _target_problems(config: Mapping[str, Any], script: Mapping[str, Any], environment: Mapping[str, str]) -> Iterator[Problem]:
    try:
        target = resolve(config.get("target"), environment)
    except UnsetVariableError as error:
        yield _problem(f"config.target: {error}")
        return
    if target is not None and not (isinstance(target, str) and re.match(r"(https?|wss?)://[^/\s]+|{{", target)):
        yield _problem(
            f"config.target {str(target)[:100]!r} is not an absolute URL.", "Write {{ $env.TARGET_... }} or http://host:port."
        )
    if target is None and any(url.startswith("/") for url in _urls(script)):
        yield _problem("There is no config.target, and the scenarios' addresses are relative.",
                       "Add `target: \"{{ $env.TARGET_... }}\"` to config.")  # fmt: skip


def _urls(script: Mapping[str, Any]) -> Iterator[str]:
    for scenario in script.get("scenarios") or ():
        for step in _walk(scenario.get("flow") if isinstance(scenario, dict) else None):
            for method in METHODS:
                request = step.get(method)
                if isinstance(request, dict):
                    yield str(request.get("url") or request.get("uri") or "")


def _file_problems(config: Mapping[str, Any], files: Mapping[str, bytes]) -> Iterator[Problem]:
    processor = config.get("processor")
    if processor is not None and (not isinstance(processor, str) or processor_file(processor, files) is None):
        yield _missing(f"The processor {str(processor)[:100]!r}", "config.processor")
    for payload in payloads(config):
        path = payload.get("path")
        if not isinstance(path, str):
            yield _problem("A payload has no path.", "Name a CSV file of the scenario in config.payload.path.")
        elif not _ANY_TEMPLATE.search(path) and relative(path) not in files:
            yield _missing(f"The payload {path[:100]!r}", "config.payload.path")


def processor_file(processor: str, files: Mapping[str, bytes]) -> str | None:
    """The bundle's file Artillery would load, which may be named without its ending."""
    name = relative(processor)
    return next((candidate for candidate in (name, f"{name}.js", f"{name}.mjs", f"{name}.cjs") if candidate in files), None)


def _scenario_problems(scenario: object, where: str) -> Iterator[Problem]:
    if not isinstance(scenario, dict):
        yield _problem(f"{where} is not a mapping.")
        return
    weight = scenario.get("weight", 1)
    if not _is_count(weight) and not (isinstance(weight, str) and _ANY_TEMPLATE.search(weight)):
        yield _problem(f"{where}: weight {str(weight)[:60]!r} is not a whole number.", "Weights are whole numbers of 0 or more.")
    if scenario.get("engine", "http") != "http":
        return
    flow = scenario.get("flow")
    if not isinstance(flow, list) or not flow:
        yield _problem(f"{where} has no flow.", "Add a flow, a list of steps. " + EXAMPLE)
        return
    yield from _flow_problems(flow, where, 0)


def _flow_problems(flow: list[Any], where: str, depth: int) -> Iterator[Problem]:
    for number, step in enumerate(flow, start=1):
        if isinstance(step, list) and depth < DEEPEST:
            yield from _flow_problems(step, where, depth + 1)
            continue
        if not isinstance(step, dict) or not step:
            yield _problem(f"{where}, step {number} is not a request or another step.", EXAMPLE)
            continue
        kind = next((key for key in step if key in STEPS), None)
        allowed = (kind, *BESIDE.get(kind or "", ()))
        wrong = next((key for key in step if key not in allowed), None)
        if wrong is not None:
            hint = "Write one request or step per list entry." if wrong in STEPS else closest(str(wrong), STEPS)
            yield _problem(f"{where}, step {number}: {str(wrong)[:60]!r} is not a step, or stands beside another one.", hint)
        elif kind in BESIDE:
            if not isinstance(step[kind], list) or not step[kind]:
                yield _problem(f"{where}, step {number}: {kind} has no steps.")
            elif depth < DEEPEST:
                yield from _flow_problems(step[kind], where, depth + 1)
        elif kind in METHODS and not (isinstance(step[kind], dict) and isinstance(step[kind].get("url"), str)):
            yield _problem(f"{where}, step {number}: {kind} has no url.", EXAMPLE)


def _walk(flow: object, depth: int = 0) -> Iterator[dict[str, Any]]:
    """All steps, those inside loops too."""
    for step in flow if isinstance(flow, list) and depth < DEEPEST else ():
        if isinstance(step, list):
            yield from _walk(step, depth + 1)
        elif isinstance(step, dict):
            yield step
            for nested in BESIDE:
                yield from _walk(step.get(nested), depth + 1)


def _is_count(value: object) -> bool:
    return re.fullmatch(r"\d{1,9}", str(value)) is not None and not isinstance(value, bool)


def _where(scenario: object, number: int) -> str:
    name = scenario.get("name") if isinstance(scenario, dict) else None
    return f"Scenario {number} ({str(name)[:60]})" if name else f"Scenario {number}"


def _missing(what: str, setting: str) -> Problem:
    return _problem(f"{what} is not among the scenario's files.", f"Add the file, or fix {setting}.")


def _problem(message: str, hint: str = "") -> Problem:
    return Problem("script", message, hint)
