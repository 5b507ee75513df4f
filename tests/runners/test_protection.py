"""When a worker asks its platform to spare it: while it works, and soon again where it was refused."""

from __future__ import annotations

from portal.core.errors import PortalError
from runner_images.pool.places import Host
from runner_images.pool.protection import AGAIN_SECONDS, SOON_SECONDS, Protection


class Group(Host):
    """Refuses as often as it is told to."""

    def __init__(self, refusals: int) -> None:
        super().__init__({"KNOPFDRUCK_WORKER": "i-1"})
        self.refusals = refusals
        self.asked: list[bool] = []

    def protect(self, on: bool) -> None:
        self.asked.append(on)
        if self.refusals:
            self.refusals -= 1
            raise PortalError("The instance is not in service.")


def asked_at(group: Group, *seconds: float) -> list[bool]:
    """What the group was asked when protection was wanted at these times."""
    clock = iter(seconds)
    protection = Protection(group, lambda: next(clock))
    for _ in seconds:
        protection.want(True)
    return group.asked


def test_a_refusal_is_asked_again_soon() -> None:
    assert asked_at(Group(1), 0, SOON_SECONDS - 1, SOON_SECONDS + 1, SOON_SECONDS + 2) == [True, True]


def test_what_was_granted_is_renewed_much_later() -> None:
    assert asked_at(Group(0), 0, SOON_SECONDS + 1, AGAIN_SECONDS - 1) == [True]
    assert asked_at(Group(0), 0, AGAIN_SECONDS + 1) == [True, True]
