"""The real EC2 backend over the portal's own store; only the Auto Scaling group behind it is made up."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from portal.aws.autoscaling import Group, GroupDoor
from portal.backends.ec2 import POOL, Ec2Backend
from portal.core.aws_place import AwsPlace
from portal.models.capacity import DatabaseLedger
from portal.stores import open_store
from portal.stores.pool import PoolStore
from runner_images.agent.clock import SystemClock

PLACE = AwsPlace("eu-central-1", "none", worker_group="fleet", endpoint_url="http://127.0.0.1:9")
MOST = 5000


class StandingGroup(GroupDoor):
    """Has as many instances as anyone may want, and keeps them: they are processes of the bench."""

    def __init__(self) -> None:
        super().__init__(None)

    def look(self, group: str) -> Group:
        return Group(desired=MOST, least=0, most=MOST, instances=())

    def grow(self, group: str, desired: int) -> None:
        """It is large enough."""

    def end(self, instances: Sequence[str]) -> None:
        """Whoever started them ends them."""


@cache
def _opened(store_url: str) -> Ec2Backend:
    return Ec2Backend(PLACE, StandingGroup(), PoolStore(open_store(store_url), POOL), DatabaseLedger(), SystemClock())


def fleet_backend(name: str, *, store_url: str, **others: object) -> Ec2Backend:
    return _opened(store_url)
