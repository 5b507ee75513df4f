"""Workers as instances of an Auto Scaling group, for massive load: they wait in a pool, claim a slot each, and wait again.

The group's size follows from what all runs together hold, plus spares that take over lost slots within seconds. It is only
ever raised here; a free instance ends itself after a while, or is ended by name once no run holds any.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Mapping

from portal.aws.autoscaling import Group, GroupDoor
from portal.aws.errors import AwsError, AwsUnavailable
from portal.backends import LIMITS
from portal.core.aws_place import AwsPlace
from portal.core.cloud_ports import CapacityLedger
from portal.core.errors import LaunchFailed
from portal.core.plan import LoadPlan
from portal.core.ports import Clock, ObjectStore, WorkerHandle, WorkerStatus
from portal.stores.pool import PoolStore, PresenceState
from portal.stores.pool_calls import SILENT_SECONDS, PoolCalls

log = logging.getLogger("portal.ec2")
POOL = "ec2"
"""The pool's name in the run store, as the stack tells it to its instances."""
SPARES = 0.1
WARM_SECONDS = 600.0
"""For how long free instances are left for the next run."""
PATIENCE, PAUSE = 20, 0.5
"""Tries to change the group's size: another run may be at it, or AWS too busy to answer."""


class Ec2Backend:
    name = "ec2"
    limits = LIMITS["ec2"]

    def __init__(self, place: AwsPlace, door: GroupDoor, pool: PoolStore, ledger: CapacityLedger, clock: Clock) -> None:
        self._place, self._door, self._ledger, self._clock = place, door, ledger, clock
        self._calls = PoolCalls(pool)
        self._key = f"{place.region} {place.worker_group} {place.endpoint_url}".strip()

    @classmethod
    def open(cls, place: AwsPlace, objects: ObjectStore, ledger: CapacityLedger, clock: Clock) -> Ec2Backend:
        return cls(place, GroupDoor.of(place), PoolStore(objects, POOL), ledger, clock)

    def launch(self, plan: LoadPlan, slots: tuple[int, ...], epoch: int) -> tuple[WorkerHandle, ...]:
        """Asks for machines first and work afterwards: nobody takes a call of a run that cannot have them all."""
        self._ledger.hold(self._key, plan.run_id, plan.workers)
        if epoch == 1:
            self._grow(plan)
        cores = 1 if self._place.is_on_this_machine else 0
        return self._calls.ask(plan, slots, epoch, now=self._clock.now(), cores=cores)

    def _grow(self, plan: LoadPlan) -> None:
        """Raises LaunchFailed where the group cannot be as large as all runs need it.

        What was throttled, or whose answer was lost, is tried again: by then the group says itself whether it has grown."""
        failure: AwsUnavailable | None = None
        for _ in range(PATIENCE):
            with self._ledger.alone(self._key) as is_mine:
                if is_mine:
                    try:
                        self._grow_alone(plan)
                        return
                    except AwsUnavailable as error:
                        failure = error
            self._clock.sleep(PAUSE)
        if failure is not None:
            raise LaunchFailed(f"The group could not be asked for instances: {failure.message}") from failure
        log.warning("group_busy run_id=%s group=%s", plan.run_id, self._place.worker_group)

    def _grow_alone(self, plan: LoadPlan) -> None:
        held = self._ledger.held(self._key)
        try:
            group = self._door.look(self._place.worker_group)
            if held > group.most:
                self._ledger.release(self._key, plan.run_id)
                raise LaunchFailed(
                    f"All runs together need {held} instances; the group {self._place.worker_group} may have {group.most}.",
                    hint="Ask for fewer workers, wait for other runs to end, or raise WorkersMost of the stack.",
                )  # fmt: skip
            wanted = min(with_spares(held), group.most)
            if wanted > group.desired:
                self._door.grow(self._place.worker_group, wanted)
                log.info("group_grows group=%s desired=%s held=%s", self._place.worker_group, wanted, held)
        except AwsUnavailable:
            raise
        except AwsError as error:
            self._ledger.release(self._key, plan.run_id)
            raise LaunchFailed(f"The group could not be asked for instances: {error.message}", hint=error.hint) from error

    def poll(self, handles: tuple[WorkerHandle, ...]) -> Mapping[int, WorkerStatus]:
        return self._calls.statuses(handles, now=self._clock.now()) if handles else {}

    def stop(self, handles: tuple[WorkerHandle, ...], *, hard: bool) -> None:
        """Calls nobody took are taken back. Instances are not ended: their agents read the stop flag, hard or not, and a worker
        that hangs is ended by its own deadline."""
        self._calls.take_back(handles)

    def release(self, run_id: str) -> None:
        self._calls.pool.withdraw(run_id)
        self._ledger.release(self._key, run_id)

    def places(self, handles: tuple[WorkerHandle, ...]) -> Mapping[int, str]:
        return {slot: f"{claim.worker} in {claim.az}" for slot, claim in self._calls.claims(handles).items()}

    def sweep(self, is_over: Callable[[str], bool]) -> tuple[str, ...]:
        for run_id in self._ledger.holders(self._key):
            if is_over(run_id):
                self.release(run_id)
        now = self._clock.now()
        heard = [one for one in self._calls.pool.presences() if now - one.at < SILENT_SECONDS]
        left = tuple(one.worker for one in heard if one.run and one.state is not PresenceState.IDLE and is_over(one.run))
        self._door.end(left)
        self.trim()
        return left

    def trim(self) -> tuple[str, ...]:
        """Ends free instances once no run has held any for a while; which ones. To be called now and then."""
        since = self._ledger.free_since(self._key)
        if since is None or self._clock.now() - since < WARM_SECONDS:
            return ()
        with self._ledger.alone(self._key) as is_mine:
            # A run that begins now waits for its turn to raise the size, so that none of these gets a call.
            if not is_mine or self._ledger.held(self._key):
                return ()
            return self._end_idle(self._door.look(self._place.worker_group))

    def _end_idle(self, group: Group) -> tuple[str, ...]:
        idle = {presence.worker for presence in self._calls.idle(now=self._clock.now())}
        free = [one.id for one in group.instances if one.id in idle and not one.is_ending]
        surplus = tuple(free[: max(0, group.desired - group.least)])
        self._door.end(surplus)
        return surplus


def with_spares(workers: int) -> int:
    return workers + math.ceil(workers * SPARES)
