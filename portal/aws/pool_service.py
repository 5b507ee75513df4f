"""The door to an ECS service whose tasks wait for work: how many it wants, how many it may want. Raises AwsError only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any  # Any: boto3's clients, for which we have no stubs

from portal.aws.errors import AwsMissing, translated
from portal.aws.session import place_client
from portal.core.aws_place import AwsPlace

COUNT = "ecs:service:DesiredCount"


@dataclass(frozen=True, slots=True)
class ServiceSize:
    desired: int
    most: int
    """By the bounds of its scaling, which would take back what is beyond them."""


class PoolServiceDoor:
    """Safe between threads; every call may be repeated."""

    def __init__(self, ecs: Any, scaling: Any) -> None:
        self._ecs, self._scaling = ecs, scaling

    @classmethod
    def of(cls, place: AwsPlace) -> PoolServiceDoor:
        return cls(place_client(place, "ecs"), place_client(place, "application-autoscaling"))

    def look(self, cluster: str, service: str) -> ServiceSize:
        """Raises AwsMissing where there is no such service, or nothing scales it."""
        with translated("ecs:DescribeServices"):
            found = self._ecs.describe_services(cluster=cluster, services=[service])["services"]
        if not found or found[0]["status"] != "ACTIVE":
            raise _missing("ecs:DescribeServices", f"there is no service {service} in {cluster}.")
        resource = f"service/{cluster.rpartition('/')[2]}/{service.rpartition('/')[2]}"
        with translated("application-autoscaling:DescribeScalableTargets"):
            targets = self._scaling.describe_scalable_targets(
                ServiceNamespace="ecs", ResourceIds=[resource], ScalableDimension=COUNT
            )["ScalableTargets"]
        if not targets:
            raise _missing("application-autoscaling:DescribeScalableTargets", f"nothing scales {resource}.")
        return ServiceSize(int(found[0]["desiredCount"]), int(targets[0]["MaxCapacity"]))

    def grow(self, cluster: str, service: str, desired: int) -> None:
        with translated("ecs:UpdateService"):
            self._ecs.update_service(cluster=cluster, service=service, desiredCount=desired)


def _missing(operation: str, words: str) -> AwsMissing:
    return AwsMissing(f"{operation}: {words}", operation=operation, reason="NotFound")
