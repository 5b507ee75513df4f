"""The door of an instance to the Auto Scaling group it is in: protect itself while it works, leave when it is idle for long.

Raises AwsError only. The role of an instance needs autoscaling:SetInstanceProtection, CompleteLifecycleAction and
TerminateInstanceInAutoScalingGroup, and DescribeAutoScalingInstances where its metadata do not tell the group's name.
"""

from __future__ import annotations

from typing import Any  # Any: no stubs for this service

from portal.aws.errors import AwsMissing, translated
from portal.aws.session import client


class OwnGroup:
    """Without a name it asks for it once: the group is made after its launch template, which cannot tell it to instances."""

    def __init__(self, instance: str, name: str = "", *, region: str = "", endpoint_url: str = "") -> None:
        self._instance = instance
        self._scaling: Any = client("autoscaling", region=region, endpoint_url=endpoint_url)
        self._name = name

    def protect(self, on: bool) -> None:
        """Against being chosen when the group shrinks."""
        name = self._group()
        with translated("autoscaling:SetInstanceProtection"):
            self._scaling.set_instance_protection(
                AutoScalingGroupName=name, InstanceIds=[self._instance], ProtectedFromScaleIn=on
            )

    def complete(self, hook: str) -> None:
        """The lifecycle hook that keeps this instance waiting lets it go on; refused when none of this name does."""
        name = self._group()
        with translated("autoscaling:CompleteLifecycleAction"):
            self._scaling.complete_lifecycle_action(
                AutoScalingGroupName=name, LifecycleHookName=hook, InstanceId=self._instance, LifecycleActionResult="CONTINUE"
            )

    def leave(self) -> None:
        """This instance ends, and the group wants one less; refused (AwsRefused) below the group's least size."""
        with translated("autoscaling:TerminateInstanceInAutoScalingGroup"):
            self._scaling.terminate_instance_in_auto_scaling_group(InstanceId=self._instance, ShouldDecrementDesiredCapacity=True)

    def _group(self) -> str:
        if not self._name:
            operation = "autoscaling:DescribeAutoScalingInstances"
            with translated(operation):
                found = self._scaling.describe_auto_scaling_instances(InstanceIds=[self._instance])["AutoScalingInstances"]
            if not found:
                raise AwsMissing(f"{self._instance} is in no Auto Scaling group.", operation=operation, reason="NotFound")
            self._name = str(found[0]["AutoScalingGroupName"])
        return self._name
