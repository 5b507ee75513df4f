"""The door to who we are in an environment's account. Raises AwsError only."""

from __future__ import annotations

from typing import Any  # Any: boto3's clients, for which we have no stubs

from portal.aws.errors import translated
from portal.aws.session import place_client
from portal.core.aws_place import AwsPlace


class IdentityDoor:
    def __init__(self, sts: Any) -> None:
        self._sts = sts

    @classmethod
    def of(cls, place: AwsPlace) -> IdentityDoor:
        return cls(place_client(place, "sts"))

    def caller(self) -> str:
        """The ARN of the user or role."""
        with translated("sts:GetCallerIdentity"):
            return str(self._sts.get_caller_identity()["Arn"])
