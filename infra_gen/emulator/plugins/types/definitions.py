"""Task definitions of templates as ECS itself keeps them: ministack translates the names of a few parts and leaves the others,
so that volumes and health checks of a template were none of a task's."""

from __future__ import annotations

from typing import Any

from ministack.services import ecs

from infra_gen.emulator.plugins.types.registry import Properties, afterwards

KIND = "AWS::ECS::TaskDefinition"
OF_THE_TEMPLATE = {"EFSVolumeConfiguration": "efsVolumeConfiguration", "FilesystemId": "fileSystemId", "IAM": "iam"}
FREE = ("Options", "DockerLabels", "DriverOpts", "Labels")
"""Maps whose keys are the author's own."""


def install() -> None:
    afterwards(KIND, _keep)


def _keep(arn: str, old: Properties | None, new: Properties) -> None:
    definition = ecs._task_defs[arn.rsplit("/", 1)[-1]]
    definition["volumes"] = in_the_api(new.get("Volumes") or [])
    definition["containerDefinitions"] = in_the_api(new.get("ContainerDefinitions") or [])


def in_the_api(value: Any) -> Any:
    """Names of CloudFormation as those of the API, at every depth."""
    if isinstance(value, list):
        return [in_the_api(each) for each in value]
    if not isinstance(value, dict):
        return value
    return {_name(name): each if name in FREE else in_the_api(each) for name, each in value.items()}


def _name(name: str) -> str:
    return OF_THE_TEMPLATE.get(name) or name[:1].lower() + name[1:]
