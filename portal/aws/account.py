"""The door to who we are: account, partition and region of the credentials in use. Raises AwsError only."""

from __future__ import annotations

from dataclasses import dataclass

from portal.aws.errors import translated
from portal.aws.session import client


@dataclass(frozen=True, slots=True)
class Account:
    id: str
    partition: str
    region: str


def find_account(*, region: str = "", endpoint_url: str = "", profile: str = "") -> Account:
    sts = client("sts", region=region, endpoint_url=endpoint_url, profile=profile)
    with translated("sts:GetCallerIdentity"):
        who = sts.get_caller_identity()
    return Account(id=who["Account"], partition=who["Arn"].split(":")[1], region=sts.meta.region_name)
