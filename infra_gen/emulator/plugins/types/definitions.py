"""Task definitions of templates as ECS itself keeps them: ministack translates the names of a few parts and leaves the others,
so that volumes and health checks of a template were none of a task's."""

from __future__ import annotations

from typing import Any

from ministack.services import ecs

from infra_gen.emulator.plugins.types.registry import Made, Properties, wrap

KIND = "AWS::ECS::TaskDefinition"
OF_THE_TEMPLATE = {"EFSVolumeConfiguration": "efsVolumeConfiguration", "FilesystemId": "fileSystemId", "IAM": "iam"}
FREE = ("Options", "DockerLabels", "DriverOpts", "Labels")
"""Maps whose keys are the author's own."""


def install() -> None:
    wrap(KIND, "create", _translated)
    wrap(KIND, "update", _translated_anew)


def _translated(create: Any) -> Any:
    def created(logical_id: str, properties: Properties, stack: str) -> Made:
        arn, attributes = create(logical_id, properties, stack)
        _keep(arn, properties)
        return arn, attributes

    return created


def _translated_anew(update: Any) -> Any:
    def updated(physical_id: str, old: Properties, new: Properties, *rest: Any, **named: Any) -> Made:
        arn, attributes = update(physical_id, old, new, *rest, **named)
        _keep(arn, new)
        return arn, attributes

    return updated


def _keep(arn: str, properties: Properties) -> None:
    definition = ecs._task_defs[arn.rsplit("/", 1)[-1]]
    definition["volumes"] = in_the_api(properties.get("Volumes") or [])
    definition["containerDefinitions"] = in_the_api(properties.get("ContainerDefinitions") or [])


def in_the_api(value: Any) -> Any:
    """Names of CloudFormation as those of the API, at every depth."""
    if isinstance(value, list):
        return [in_the_api(each) for each in value]
    if not isinstance(value, dict):
        return value
    return {_name(name): each if name in FREE else in_the_api(each) for name, each in value.items()}


def _name(name: str) -> str:
    return OF_THE_TEMPLATE.get(name) or name[:1].lower() + name[1:]
