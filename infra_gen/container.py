"""A worker's container, as both the bounded task and the pool describe it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any  # Any: troposphere has no types

from troposphere import Ref, ecs

from infra_gen.names import AGENT_CONTAINER, HEALTH_PORT, HEARTBEAT_FILE, NAMESPACE

STOP_SECONDS, OPEN_FILES = 120, 65_535
ALIVE = ("python", "-m", "runner_images.health")
"""The agent lives when it touched its file lately; that the engine is busy is no sign of illness."""
RESULTS_FOLDER, SCRIPTS_FOLDER = "/mnt/results", "/mnt/scripts"


@dataclass(frozen=True, slots=True)
class Volume:
    """A folder of EFS behind an access point, always over TLS and by the task's own role."""

    name: str
    access_point: Any
    path: str
    read_only: bool = False

    def of(self, file_system: Any) -> Any:
        way = ecs.AuthorizationConfig(AccessPointId=self.access_point, IAM="ENABLED")
        return ecs.Volume(
            Name=self.name,
            EFSVolumeConfiguration=ecs.EFSVolumeConfiguration(
                FilesystemId=file_system, TransitEncryption="ENABLED", AuthorizationConfig=way
            ),
        )


def agent(
    image: Any, command: Sequence[str], variables: Mapping[str, Any], volumes: Sequence[Volume], *, group: Any, stream: str
) -> Any:
    """Without rights beyond a plain process's; it is asked to stop and has two minutes to bring its numbers home."""
    return ecs.ContainerDefinition(
        Name=AGENT_CONTAINER, Image=image, Essential=True, Command=list(command), StopTimeout=STOP_SECONDS,
        Environment=[ecs.Environment(Name=name, Value=value) for name, value in {**variables, **_FIXED}.items()],
        PortMappings=[ecs.PortMapping(ContainerPort=HEALTH_PORT, Protocol="tcp")],
        MountPoints=[ecs.MountPoint(SourceVolume=v.name, ContainerPath=v.path, ReadOnly=v.read_only) for v in volumes],
        LinuxParameters=ecs.LinuxParameters(InitProcessEnabled=True, Capabilities=ecs.KernelCapabilities(Drop=["ALL"])),
        Ulimits=[ecs.Ulimit(Name="nofile", SoftLimit=OPEN_FILES, HardLimit=OPEN_FILES)],
        HealthCheck=ecs.HealthCheck(Command=["CMD", *ALIVE], Interval=10, Timeout=5, Retries=3, StartPeriod=60),
        LogConfiguration=log_to(group, stream),
    )  # fmt: skip


def log_to(group: Any, stream: str) -> Any:
    """Without waiting: a CloudWatch that is slow must not slow the load."""
    return ecs.LogConfiguration(
        LogDriver="awslogs",
        Options={
            "awslogs-group": group, "awslogs-region": Ref("AWS::Region"), "awslogs-stream-prefix": stream,
            "mode": "non-blocking", "max-buffer-size": "4m",
        },
    )  # fmt: skip


_FIXED: Mapping[str, Any] = {
    "KNOPFDRUCK_HEARTBEAT_FILE": HEARTBEAT_FILE, "KNOPFDRUCK_RESULTS_DIR": RESULTS_FOLDER, "KNOPFDRUCK_NAMESPACE": NAMESPACE,
    "KNOPFDRUCK_HEALTH_PORT": str(HEALTH_PORT), "AWS_REGION": Ref("AWS::Region"),
}  # fmt: skip
