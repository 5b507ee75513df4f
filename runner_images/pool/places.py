"""Where a waiting worker lives, as far as it matters to it: who it is, what threatens it, how it is protected, how it leaves."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from typing import Protocol

from portal.core.errors import PortalError
from runner_images.pool.metadata import IMDS, Imds, NoMetadata, ask_json

PROTECTED_MINUTES = 120
"""Of a task, at a time; it is asked for again long before."""


class Place(Protocol):
    worker: str
    """Instance id or task ARN."""
    az: str

    def warning(self) -> str:
        """Why this machine is about to be taken away; empty as long as it is not."""

    def protect(self, on: bool) -> None:
        """Against being chosen when capacity shrinks. Raises NoMetadata or PortalError; work goes on without."""

    def leave(self) -> bool:
        """For good, after idling for long; False when capacity is at its least and it has to stay."""

    def greet(self) -> None:
        """It waits for calls now. Raises like `protect`."""

    def part(self) -> None:
        """Nothing of its work is left on it: the platform may end it. Raises like `protect`."""


def open_place(environ: Mapping[str, str]) -> Place:
    """KNOPFDRUCK_PLACE (ec2, ecs or host), else what the environment shows. Raises NoMetadata, ValueError."""
    given = environ.get("KNOPFDRUCK_PLACE", "")
    kind = given or ("ecs" if environ.get("ECS_CONTAINER_METADATA_URI_V4") else "host")
    if kind == "ec2":
        return Instance(environ)
    if kind == "ecs":
        return Task(environ)
    if kind == "host":
        return Host(environ)
    raise ValueError(f"KNOPFDRUCK_PLACE is {given[:20]!r}; use ec2, ecs or host.")


class Host:
    """A machine of one's own: nobody takes it away."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.worker = environ.get("KNOPFDRUCK_WORKER") or f"{socket.gethostname().partition('.')[0]}-{os.getpid()}"
        self.az = environ.get("KNOPFDRUCK_AZ", "local")
        self._command = environ.get("KNOPFDRUCK_SHUTDOWN", "")

    def warning(self) -> str:
        return ""

    def protect(self, on: bool) -> None:
        return

    def leave(self) -> bool:
        shut_down(self._command)
        return True

    def greet(self) -> None:
        return

    def part(self) -> None:
        return


class Instance:
    """EC2: spot interruption and rebalance recommendation by IMDSv2, protection by the group it is in."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._imds = Imds(environ.get("AWS_EC2_METADATA_SERVICE_ENDPOINT") or IMDS)
        self.worker = _known(self._imds.get("instance-id"), "instance-id")
        self.az = _known(self._imds.get("placement/availability-zone"), "placement/availability-zone")
        self._command = environ.get("KNOPFDRUCK_SHUTDOWN", "")
        region = environ.get("AWS_REGION") or self.az[:-1]
        # boto3 is in the images of the cloud only.
        from portal.aws.errors import AwsRefused
        from portal.aws.scaling_group import OwnGroup

        self._refused = AwsRefused
        name = self._imds.get("tags/instance/aws:autoscaling:groupName") or ""
        self._group = OwnGroup(self.worker, name, region=region, endpoint_url=environ.get("AWS_ENDPOINT_URL", ""))

    def warning(self) -> str:
        try:
            if (notice := self._imds.get("spot/instance-action")) is not None:
                return _spot(notice)
            if self._imds.get("events/recommendations/rebalance") is not None:
                return "EC2 recommends to leave this instance: it is likely to be interrupted soon."
            if self._imds.get("autoscaling/target-lifecycle-state") == "Terminated":
                return "The Auto Scaling group ends this instance."
        except NoMetadata:
            return ""  # No notice; the next look is in seconds.
        return ""

    def protect(self, on: bool) -> None:
        self._group.protect(on)

    def leave(self) -> bool:
        """Through the group, which would replace an instance that merely shuts down."""
        try:
            self._group.leave()
        except self._refused:
            return False
        except PortalError as error:
            print(f"The group does not let {self.worker} go ({error.message}); it shuts down.", file=sys.stderr, flush=True)
        shut_down(self._command)
        return True

    def greet(self) -> None:
        self._complete("boot")

    def part(self) -> None:
        self._complete("drain")

    def _complete(self, hook: str) -> None:
        """Hooks wait for this; where none does, all is as it should be."""
        with suppress(self._refused):
            self._group.complete(hook)


class Task:
    """A task of an ECS service: SIGTERM is its only warning, and the ECS agent protects it while it works."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        found = ask_json("GET", environ["ECS_CONTAINER_METADATA_URI_V4"] + "/task")
        said = found if isinstance(found, dict) else {}
        self.worker = _known(said.get("TaskARN"), "TaskARN")
        self.az = str(said.get("AvailabilityZone") or "unknown")
        self._agent = environ.get("ECS_AGENT_URI", "")

    def warning(self) -> str:
        return ""

    def protect(self, on: bool) -> None:
        wanted = {"ProtectionEnabled": on, **({"ExpiresInMinutes": PROTECTED_MINUTES} if on else {})}
        ask_json("PUT", f"{self._agent}/task-protection/v1/state", wanted)

    def leave(self) -> bool:
        """It ends; how many tasks there are is for the service's scaling to say."""
        return True

    def greet(self) -> None:
        return

    def part(self) -> None:
        return


def shut_down(command: str) -> None:
    if command:
        subprocess.run(command.split(), stdin=subprocess.DEVNULL, check=False)


def _known(value: object, name: str) -> str:
    if not value:
        raise NoMetadata(f"The platform does not say its {name}.")
    return str(value)


def _spot(notice: str) -> str:
    try:
        found = json.loads(notice)
        return f"EC2 takes this spot instance back: {found['action']} at {found['time']}."
    except (ValueError, KeyError, TypeError):
        return "EC2 takes this spot instance back."
