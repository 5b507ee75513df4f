"""The door to what an account may have at once: service quotas, and free addresses of subnets. Raises AwsError only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any  # Any: boto3's clients, for which we have no stubs

from portal.aws.errors import AwsDenied, AwsMissing, AwsRefused, translated
from portal.aws.session import place_client
from portal.core.aws_place import AwsPlace

FARGATE_VCPUS = ("fargate", "L-3032A538")
FARGATE_SPOT_VCPUS = ("fargate", "L-36FBB829")
LAMBDA_AT_ONCE = ("lambda", "L-B99A9384")
EC2_VCPUS = ("ec2", "L-1216C47A")


class QuotaDoor:
    def __init__(self, quotas: Any, ec2: Any) -> None:
        self._quotas, self._ec2 = quotas, ec2

    @classmethod
    def of(cls, place: AwsPlace) -> QuotaDoor:
        return cls(place_client(place, "service-quotas"), place_client(place, "ec2"))

    def value(self, quota: tuple[str, str]) -> float | None:
        """None where it cannot be known: nobody may ask, or there are no quotas here, as in an emulator."""
        try:
            with translated("servicequotas:GetServiceQuota"):
                found = self._quotas.get_service_quota(ServiceCode=quota[0], QuotaCode=quota[1])
        except (AwsDenied, AwsMissing, AwsRefused):
            return None
        return float(found["Quota"]["Value"])

    def free_addresses(self, subnets: Sequence[str]) -> int | None:
        """Over all these subnets; None where nobody may ask."""
        try:
            with translated("ec2:DescribeSubnets"):
                found = self._ec2.describe_subnets(SubnetIds=list(subnets))["Subnets"]
        except AwsDenied:
            return None
        return sum(int(subnet["AvailableIpAddressCount"]) for subnet in found)
