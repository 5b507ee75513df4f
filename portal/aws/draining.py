"""The door through which what still works in a stack is asked to end before the stack goes. Raises AwsError only."""

from __future__ import annotations

from typing import Any  # Any: boto3's clients, for which we have no stubs

from portal.aws.errors import AwsMissing, AwsRefused, translated

REASON = "Knopfdruck: the stack is being deleted"
AT_ONCE = 100
"""The most tasks one DescribeTasks takes."""


class DrainDoor:
    """Everything here may be repeated, and what is gone already is no error."""

    def __init__(self, ecs: Any, autoscaling: Any) -> None:
        self._ecs = ecs
        self._autoscaling = autoscaling

    def idle_service(self, cluster: str, service: str) -> None:
        try:
            with translated("ecs:UpdateService"):
                self._ecs.update_service(cluster=cluster, service=service, desiredCount=0)
        except (AwsMissing, AwsRefused) as error:
            if error.reason not in ("ServiceNotFoundException", "ServiceNotActiveException", "ClusterNotFoundException"):
                raise

    def stop_tasks(self, cluster: str) -> int:
        """Asks every task of the cluster to stop; how many there were."""
        found = self._tasks(cluster)
        for task in found:
            with translated("ecs:StopTask"):
                self._ecs.stop_task(cluster=cluster, task=task, reason=REASON)
        return len(found)

    def working_tasks(self, cluster: str) -> int:
        found = self._tasks(cluster)
        left = 0
        for start in range(0, len(found), AT_ONCE):
            with translated("ecs:DescribeTasks"):
                answer = self._ecs.describe_tasks(cluster=cluster, tasks=list(found[start : start + AT_ONCE]))
            left += sum(task["lastStatus"] != "STOPPED" for task in answer["tasks"])
        return left

    def idle_group(self, group: str) -> None:
        """No instance, now and later: protection from scale-in would hold the stack's deletion up for ever."""
        instances = self._instances(group)
        if instances is None:
            return
        for start in range(0, len(instances), 50):
            batch = list(instances[start : start + 50])
            with translated("autoscaling:SetInstanceProtection"):
                self._autoscaling.set_instance_protection(
                    AutoScalingGroupName=group, InstanceIds=batch, ProtectedFromScaleIn=False
                )
        with translated("autoscaling:UpdateAutoScalingGroup"):
            self._autoscaling.update_auto_scaling_group(
                AutoScalingGroupName=group, MinSize=0, DesiredCapacity=0, NewInstancesProtectedFromScaleIn=False
            )

    def instances(self, group: str) -> int:
        return len(self._instances(group) or ())

    def _tasks(self, cluster: str) -> tuple[str, ...]:
        try:
            with translated("ecs:ListTasks"):
                pages = self._ecs.get_paginator("list_tasks").paginate(cluster=cluster, desiredStatus="RUNNING")
                return tuple(arn for page in pages for arn in page["taskArns"])
        except (AwsMissing, AwsRefused) as error:
            if error.reason == "ClusterNotFoundException":
                return ()
            raise

    def _instances(self, group: str) -> tuple[str, ...] | None:
        with translated("autoscaling:DescribeAutoScalingGroups"):
            found = self._autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=[group])["AutoScalingGroups"]
        return tuple(one["InstanceId"] for one in found[0]["Instances"]) if found else None
