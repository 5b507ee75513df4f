"""The door to Auto Scaling groups: how large one is, how large it shall be, and which instances end. Raises AwsError only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any  # Any: boto3's clients, for which we have no stubs

from portal.aws.errors import AwsMissing, AwsRefused, translated
from portal.aws.session import place_client
from portal.core.aws_place import AwsPlace

AT_ONCE, ENDING = 100, ("Terminating", "Terminated", "Detaching", "Detached")


@dataclass(frozen=True, slots=True)
class Instance:
    id: str
    az: str
    lifecycle: str
    """`InService`, `Pending`, `Terminating:Wait` and so on."""

    @property
    def is_ending(self) -> bool:
        return self.lifecycle.partition(":")[0] in ENDING


@dataclass(frozen=True, slots=True)
class Group:
    desired: int
    least: int
    most: int
    instances: tuple[Instance, ...]


class GroupDoor:
    """Safe between threads; every call may be repeated."""

    def __init__(self, autoscaling: Any) -> None:
        self._autoscaling = autoscaling

    @classmethod
    def of(cls, place: AwsPlace) -> GroupDoor:
        return cls(place_client(place, "autoscaling"))

    def look(self, group: str) -> Group:
        """Raises AwsMissing."""
        with translated("autoscaling:DescribeAutoScalingGroups"):
            found = self._autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=[group])["AutoScalingGroups"]
        if not found:
            raise AwsMissing(
                f"autoscaling:DescribeAutoScalingGroups: there is no group {group}.",
                operation="autoscaling:DescribeAutoScalingGroups", reason="NotFound",
            )  # fmt: skip
        instances = (Instance(i["InstanceId"], i["AvailabilityZone"], i["LifecycleState"]) for i in found[0]["Instances"])
        return Group(found[0]["DesiredCapacity"], found[0]["MinSize"], found[0]["MaxSize"], tuple(instances))

    def grow(self, group: str, desired: int) -> None:
        with translated("autoscaling:SetDesiredCapacity"):
            self._autoscaling.set_desired_capacity(AutoScalingGroupName=group, DesiredCapacity=desired, HonorCooldown=False)

    def end(self, instances: Sequence[str]) -> None:
        """Ends these very instances and lowers the group's size by as many. One that is gone already is fine."""
        for instance in instances:
            try:
                with translated("autoscaling:TerminateInstanceInAutoScalingGroup"):
                    self._autoscaling.terminate_instance_in_auto_scaling_group(
                        InstanceId=instance, ShouldDecrementDesiredCapacity=True
                    )
            except AwsRefused as error:
                if "not found" not in error.message.lower():
                    raise

    def protect(self, group: str, instances: Sequence[str], *, on: bool) -> None:
        for start in range(0, len(instances), 50):
            with translated("autoscaling:SetInstanceProtection"):
                self._autoscaling.set_instance_protection(
                    AutoScalingGroupName=group, InstanceIds=list(instances[start : start + 50]), ProtectedFromScaleIn=on
                )
