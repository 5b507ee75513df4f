"""The worlds that every backend's promises are asked in: this machine with real processes, and AWS behind doors that remember."""

from __future__ import annotations

from pathlib import Path

from portal.core.ports import Backend, WorkerHandle
from tests.backends.lambda_place import LambdaWorld
from tests.backends.places import Ec2World, FargateWorld, Started
from tests.backends.test_local import PLAN, Place
from tests.fakes import FakeClock, wait_until

CLOUDS: dict[str, type[LambdaWorld | FargateWorld | Ec2World]] = {
    "lambda": LambdaWorld, "fargate": FargateWorld, "ec2": Ec2World
}  # fmt: skip
ALL = ("local", *CLOUDS)


class LocalWorld:
    """Real processes."""

    def __init__(self, folder: Path) -> None:
        self.clock = FakeClock()
        self.place = Place(folder)

    def backend(self) -> Backend:
        return Recording(self.place)

    def started(self) -> Started:
        return {(handle.slot, handle.epoch) for handle in self.place.handles}

    def begin(self, handle: WorkerHandle) -> None:
        wait_until((self.place.folder / f"facts-{handle.slot}.json").exists, f"worker {handle.slot}")

    def live(self, handle: WorkerHandle) -> None:
        """It does by itself."""

    def die(self, handle: WorkerHandle) -> None:
        self.place.backend().stop((handle,), hard=True)
        self.place.wait_gone(handle)

    leave = die


class Recording:
    """A LocalBackend whose processes are ended with the test."""

    def __init__(self, place: Place) -> None:
        self._place, self._inner = place, place.backend()
        self.name, self.limits = self._inner.name, self._inner.limits
        self.poll, self.stop, self.release = self._inner.poll, self._inner.stop, self._inner.release

    def launch(self, plan: object, slots: tuple[int, ...], epoch: int) -> tuple[WorkerHandle, ...]:
        handles = self._inner.launch(PLAN, slots, epoch)
        self._place.handles += handles
        return handles
