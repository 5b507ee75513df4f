"""Opens the doors to one account and region, or to an emulator."""

from __future__ import annotations

from typing import Any  # Any: options, as argparse has them
from urllib.parse import urlsplit

from portal.aws.account import Account, find_account
from portal.aws.buckets import BucketDoor
from portal.aws.cloudformation import CloudFormationDoor
from portal.aws.draining import DrainDoor
from portal.aws.session import client
from portal.core.errors import RequestRejected
from portal.usecases.stack_parts import StackCloud
from portal.wiring import SystemClock

LOOK_EVERY, LOOK_EVERY_HERE = 3.0, 0.2
LOOPBACK = ("127.0.0.1", "localhost", "::1")


def is_on_this_machine(endpoint_url: str) -> bool:
    return bool(endpoint_url) and urlsplit(endpoint_url).hostname in LOOPBACK


def open_cloud(options: dict[str, Any]) -> tuple[StackCloud, Account]:
    """Raises AwsDenied without credentials or region, RequestRejected for an endpoint that is none."""
    place: dict[str, str] = {name: options[name] or "" for name in ("region", "endpoint_url", "profile")}
    if place["endpoint_url"] and urlsplit(place["endpoint_url"]).scheme not in ("http", "https"):
        raise RequestRejected.because(
            "--endpoint-url", f"{place['endpoint_url']!r} is not an address.", "Such as http://127.0.0.1:4566."
        )
    account = find_account(**place)
    place["region"] = account.region

    def opened(service: str) -> Any:
        return client(service, region=place["region"], endpoint_url=place["endpoint_url"], profile=place["profile"])

    cloud = StackCloud(
        account=account.id, region=account.region, stacks=CloudFormationDoor(opened("cloudformation")),
        buckets=BucketDoor(opened("s3")), drain=DrainDoor(opened("ecs"), opened("autoscaling")),
        clock=SystemClock(), look_every=LOOK_EVERY_HERE if is_on_this_machine(place["endpoint_url"]) else LOOK_EVERY,
    )  # fmt: skip
    return cloud, account
