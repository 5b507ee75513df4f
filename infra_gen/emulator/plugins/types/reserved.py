"""`ReservedConcurrentExecutions` of a template's function, which ministack leaves out: it is the function's from the start."""

from __future__ import annotations

from typing import Any

from ministack.services import lambda_svc

from infra_gen.emulator.plugins.types.registry import Made, Properties, wrap

KIND = "AWS::Lambda::Function"


def install() -> None:
    wrap(KIND, "create", _reserving)
    wrap(KIND, "update", _reserving_anew)


def _reserving(create: Any) -> Any:
    def created(logical_id: str, properties: Properties, stack: str) -> Made:
        name, attributes = create(logical_id, properties, stack)
        _reserve(name, properties)
        return name, attributes

    return created


def _reserving_anew(update: Any) -> Any:
    def updated(physical_id: str, old: Properties, new: Properties, *rest: Any, **named: Any) -> Made:
        name, attributes = update(physical_id, old, new, *rest, **named)
        if old.get("ReservedConcurrentExecutions") != new.get("ReservedConcurrentExecutions"):
            _reserve(name, new)
        return name, attributes

    return updated


def _reserve(name: str, properties: Properties) -> None:
    """None is none: what is not in the template any more is given back."""
    wanted = properties.get("ReservedConcurrentExecutions")
    lambda_svc._functions[name]["concurrency"] = None if wanted is None else int(wanted)
