"""The pool's service as one small world: every size it was asked for."""

from __future__ import annotations

from portal.aws.errors import AwsError
from portal.aws.pool_service import PoolServiceDoor, ServiceSize


class FakeService(PoolServiceDoor):
    def __init__(self) -> None:
        self.desired, self.most = 1, 10
        self.sizes: list[int] = []
        self.away: AwsError | None = None

    def look(self, cluster: str, service: str) -> ServiceSize:
        if self.away is not None:
            raise self.away
        return ServiceSize(self.desired, self.most)

    def grow(self, cluster: str, service: str, desired: int) -> None:
        self.desired = desired
        self.sizes.append(desired)
