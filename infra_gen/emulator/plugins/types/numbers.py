"""Numbers that come as text from a parameter, made numbers as CloudFormation does it by each type's schema."""

from __future__ import annotations

from functools import partial
from typing import Any

from infra_gen.emulator.plugins.types.registry import Made, Properties, wrap

_SERVICE = "DesiredCount MaximumPercent MinimumHealthyPercent ContainerPort HealthCheckGracePeriodSeconds Base Weight"
_TASK = "StopTimeout Interval Timeout Retries StartPeriod ContainerPort HostPort SizeInGiB SoftLimit HardLimit"
_FUNCTION = "Timeout MemorySize ReservedConcurrentExecutions Size"
NUMBERS = {
    "AWS::ECS::Service": frozenset(_SERVICE.split()),
    "AWS::ECS::TaskDefinition": frozenset(_TASK.split()),
    "AWS::Lambda::Function": frozenset(_FUNCTION.split()),
}


def install() -> None:
    for kind, names in NUMBERS.items():
        wrap(kind, "create", partial(_creating, names))
        wrap(kind, "update", partial(_updating, names))


def _creating(names: frozenset[str], create: Any) -> Any:
    def created(logical_id: str, properties: Properties, stack: str) -> Made:
        made: Made = create(logical_id, as_numbers(properties, names), stack)
        return made

    return created


def _updating(names: frozenset[str], update: Any) -> Any:
    def updated(physical_id: str, old: Properties, new: Properties, *rest: Any, **named: Any) -> Made:
        made: Made = update(physical_id, as_numbers(old, names), as_numbers(new, names), *rest, **named)
        return made

    return updated


def as_numbers(value: Any, names: frozenset[str]) -> Any:
    """A copy in which the text of these names is a number, at every depth."""
    if isinstance(value, dict):
        return {name: _number(each) if name in names else as_numbers(each, names) for name, each in value.items()}
    return [as_numbers(each, names) for each in value] if isinstance(value, list) else value


def _number(value: Any) -> Any:
    return int(value) if isinstance(value, str) and value.lstrip("-").isdigit() else value
