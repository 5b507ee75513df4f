"""A task's definition as its container meets it: the role's credentials, the agent's address, file systems as folders.

A process cannot mount anything, so wherever the environment or the command names a path below a volume's mount point, the folder
that stands for it is put there instead; `/tmp` is one of them, as every container has its own. It has no network card of its own
either, so a port that it opens is another one in each task. `readOnly` is not enforced: the process runs as the same user.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ministack.services import ecs, efs

from infra_gen.emulator.place import PLACE
from infra_gen.emulator.plugins.host_process import CHECKOUT


@dataclass(frozen=True)
class Definition:
    """One container of one task."""

    task: Mapping[str, Any]
    definition: Mapping[str, Any]
    container: Mapping[str, Any]

    @property
    def task_id(self) -> str:
        return str(self.task["taskArn"]).rsplit("/", 1)[-1]

    @property
    def name(self) -> str:
        return str(self.container["name"])


@dataclass(frozen=True)
class Volumes:
    """Mount point -> folder of the host."""

    folders: Mapping[str, Path]

    def on_host(self, value: str) -> str:
        """The checkout is no place in a container: it may lie below `/tmp`, and its programs are the image's."""
        if value.startswith(f"{CHECKOUT}/"):
            return value
        for point, folder in self.folders.items():
            if value == point or value.startswith(point.rstrip("/") + "/"):
                return str(folder) + value[len(point.rstrip("/")) :]
        return value

    def env(self, environment: Mapping[str, str]) -> dict[str, str]:
        return {name: self.on_host(str(value)) for name, value in environment.items()}

    def argv(self, words: Sequence[str]) -> list[str]:
        return [self.on_host(word) for word in words]


def definition_of(labels: Mapping[str, str]) -> Definition:
    """By the labels ministack gives a container; called in the scope of the task's account and region."""
    task = ecs._tasks[labels["com.amazonaws.ecs.task-arn"]]
    key = f"{labels['com.amazonaws.ecs.task-definition-family']}:{labels['com.amazonaws.ecs.task-definition-version']}"
    definition = ecs._task_defs[key]
    name = labels["com.amazonaws.ecs.container-name"]
    container = next(each for each in definition["containerDefinitions"] if each["name"] == name)
    return Definition(task, definition, container)


def volumes(definition: Definition, folder: Path) -> Volumes:
    by_name = {volume["name"]: _folder(volume, folder) for volume in definition.definition.get("volumes") or []}
    points = definition.container.get("mountPoints") or []
    own = folder / "tmp"
    own.mkdir(parents=True, exist_ok=True)
    return Volumes({**{point["containerPath"]: by_name[point["sourceVolume"]] for point in points}, "/tmp": own})


def environment(definition: Definition, given: Mapping[str, str]) -> dict[str, str]:
    """What ECS puts into every container, with addresses of this machine."""
    region = str(definition.task["taskArn"]).split(":")[3]
    ports = _own_ports(definition.container)
    plain = {name: ports.get(str(value), str(value)) for name, value in given.items()}
    local = {name: value.replace("host.docker.internal", "127.0.0.1") for name, value in plain.items()}
    local.pop("AWS_CONTAINER_AUTHORIZATION_TOKEN", None)
    return {
        **local,
        "AWS_ENDPOINT_URL": PLACE.endpoint,
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "AWS_EXECUTION_ENV": "AWS_ECS_FARGATE",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{PLACE.endpoint}/_knopfdruck/credentials/{definition.task_id}",
        "ECS_AGENT_URI": f"{PLACE.endpoint}/_knopfdruck/agent/{definition.task_id}",
    }


def _own_ports(container: Mapping[str, Any]) -> dict[str, str]:
    """For each port that the container's definition opens, one of this machine that nobody has."""
    return {str(port["containerPort"]): _free_port() for port in container.get("portMappings") or []}


def _free_port() -> str:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return str(found.getsockname()[1])


def _folder(volume: Mapping[str, Any], folder: Path) -> Path:
    """A volume without a file system is the task's own, shared by its containers."""
    settings = volume.get("efsVolumeConfiguration")
    if not settings:
        own = folder.parent / "volumes" / str(volume["name"])
        own.mkdir(parents=True, exist_ok=True)
        return own
    access_point = (settings.get("authorizationConfig") or {}).get("accessPointId", "")
    root = settings.get("rootDirectory") or "/"
    if access_point:
        root = (efs._access_points[access_point].get("RootDirectory") or {}).get("Path") or "/"
    return PLACE.file_system(settings["fileSystemId"], root)
