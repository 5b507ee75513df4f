"""Workers as tasks of ECS on Fargate, for hours and days. Each is started for itself, with a token: no scheduler replaces one
that is done, and a start that is repeated gives the task that runs.

A slot that was lost is given to an idle worker of the elastic pool where there is one, because that begins within seconds.
An elastic run has all its slots made there: the pool's service is asked for as many workers as the load needs.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from portal.aws.ecs import EcsDoor, TaskOrder, TaskState
from portal.aws.errors import AwsError
from portal.aws.pool_service import PoolServiceDoor
from portal.aws.quotas import FARGATE_VCPUS, QuotaDoor
from portal.aws.remembered import Remembered
from portal.aws.rounds import Rounds
from portal.backends import LIMITS
from portal.core.aws_place import AwsPlace
from portal.core.elastic import SLOTS_EACH, Member, workers_wanted
from portal.core.errors import LaunchFailed
from portal.core.plan import LoadPlan
from portal.core.ports import Clock, ObjectStore, WorkerHandle, WorkerStatus
from portal.stores.pool import PoolStore
from portal.stores.pool_calls import PoolCalls, is_call
from portal.stores.pool_crew import crew

log = logging.getLogger("portal.fargate")
POOL = "fargate"
"""The pool's name in the run store, as the stack tells it to its workers."""
STARTERS = 10
ROUNDS = Rounds(4, first_pause=1.0, at_once=STARTERS)
"""RunTask is allowed 20 times a second."""
ASK_EVERY, UNSEEN_SECONDS = 3.0, 60.0
"""ECS may not know a task yet that it has just started."""


class FargateBackend:
    name = "fargate"
    limits = LIMITS["fargate"]

    def __init__(
        self, place: AwsPlace, door: EcsDoor, service: PoolServiceDoor, quotas: QuotaDoor, pool: PoolStore, clock: Clock
    ) -> None:
        self._place, self._door, self._service, self._quotas, self._clock = place, door, service, quotas, clock
        self._calls = PoolCalls(pool)
        self._states = Remembered[TaskState](clock.now, ASK_EVERY)
        self._crews = Remembered[tuple[Member, ...]](clock.now, ASK_EVERY)
        self._unseen: dict[str, float] = {}

    @classmethod
    def open(cls, place: AwsPlace, objects: ObjectStore, clock: Clock) -> FargateBackend:
        return cls(place, EcsDoor.of(place), PoolServiceDoor.of(place), QuotaDoor.of(place), PoolStore(objects, POOL), clock)

    def launch(self, plan: LoadPlan, slots: tuple[int, ...], epoch: int) -> tuple[WorkerHandle, ...]:
        if plan.elastic:
            if epoch == 1:
                self._grow(plan)
            return self._call(plan, slots, epoch)
        if epoch > 1 and len(self._calls.idle(now=self._clock.now())) >= len(slots):
            return self._calls.ask(plan, slots, epoch, now=self._clock.now())
        if epoch == 1 and 0 in slots:
            self._check_room(plan)
        failing = "Fargate tasks could not be started"
        return ROUNDS.start(slots, epoch, partial(self._start, plan, epoch), self._clock, failing=failing)

    def _call(self, plan: LoadPlan, slots: tuple[int, ...], epoch: int, worker: str = "") -> tuple[WorkerHandle, ...]:
        cores = 1 if self._place.is_on_this_machine else 0
        return self._calls.ask(plan, slots, epoch, now=self._clock.now(), cores=cores, worker=worker)

    def _grow(self, plan: LoadPlan) -> None:
        """Never makes it smaller. Raises LaunchFailed where the pool cannot be as large as the load needs it."""
        cluster, service = self._place.cluster, self._place.pool_service
        if not service:
            raise LaunchFailed("This environment has no pool of workers on Fargate.",
                               hint="Name the stack's PoolServiceName as pool_service, or leave elastic out.")  # fmt: skip
        at_work = [one for one in crew(self._calls.pool, plan.run_id, now=self._clock.now()) if not one.leaves]
        each = max((one.load + one.room for one in at_work), default=SLOTS_EACH)
        others = sum(one.load > len(one.slots) for one in at_work)
        wanted = others + workers_wanted(plan.load, plan.workers, self.limits, slots_each=each)
        try:
            size = self._service.look(cluster, service)
            if wanted > size.most:
                raise LaunchFailed(f"The load needs {wanted} workers of the pool; it may have {size.most}.",
                                   hint="Ask for less load, or raise PoolMost of the stack.")  # fmt: skip
            if wanted > size.desired:
                self._service.grow(cluster, service, wanted)
                log.info("pool_grows run_id=%s from=%s to=%s", plan.run_id, size.desired, wanted)
        except AwsError as error:
            raise LaunchFailed(f"The pool could not be asked for workers: {error.message}", hint=error.hint) from error

    def crew(self, run_id: str) -> tuple[Member, ...]:
        def ask(runs: tuple[str, ...]) -> Mapping[str, tuple[Member, ...]]:
            return {run: crew(self._calls.pool, run, now=self._clock.now()) for run in runs}

        return self._crews.of((run_id,), ask)[run_id]

    def call_over(self, plan: LoadPlan, slot: int, epoch: int, worker: str) -> WorkerHandle:
        (handle,) = self._call(plan, (slot,), epoch, worker)
        self._crews.forget((plan.run_id,))
        return handle

    def _start(self, plan: LoadPlan, epoch: int, slot: int) -> str | AwsError:
        here = self._place.is_on_this_machine
        told = {"STORE": self._place.store_url(), "RUN": plan.run_id, "SLOT": str(slot), "EPOCH": str(epoch)}
        sizes = {"KNOPFDRUCK_CORES": "1", "AWS_ENDPOINT_URL": self._place.endpoint_url} if here else {}
        environment = {**{f"KNOPFDRUCK_{name}": value for name, value in told.items()}, **sizes}
        try:
            return self._door.run(self._place, TaskOrder(token(plan.run_id, slot, epoch), plan.run_id, environment))
        except AwsError as error:
            log.warning("run_task_failed run_id=%s slot=%s: %s", plan.run_id, slot, error.message)
            return error

    def _check_room(self, plan: LoadPlan) -> None:
        """Raises LaunchFailed where the account's quota or the subnets' free addresses cannot hold all workers.
        Whoever cannot be asked for them keeps nobody from trying."""
        with contextlib.suppress(AwsError):
            free = self._quotas.free_addresses(self._place.subnets)
            if free is not None and plan.workers > free:
                raise LaunchFailed(f"{plan.workers} tasks need an address each, and the subnets have {free} left.",
                                   hint="Ask for fewer workers, or use larger subnets.")  # fmt: skip
            most, each = self._quotas.value(FARGATE_VCPUS), self._door.vcpus(self._place.task_definition)
            if most is not None and plan.workers * each > most:
                raise LaunchFailed(
                    f"{plan.workers} tasks need {plan.workers * each:g} vCPUs; the account may have {most:g} on Fargate.",
                    hint="Ask for fewer workers, or for a higher quota of Fargate.",
                )  # fmt: skip

    def poll(self, handles: tuple[WorkerHandle, ...]) -> Mapping[int, WorkerStatus]:
        now = self._clock.now()
        calls = tuple(handle for handle in handles if is_call(handle))
        found = dict(self._calls.statuses(calls, now=now)) if calls else {}
        tasks = tuple(handle for handle in handles if not is_call(handle))
        try:
            states = self._states.of((task.reference for task in tasks), self._ask)
        except AwsError as error:
            log.warning("describe_tasks_failed: %s", error.message)
            states = {}
            return {**found, **{task.slot: WorkerStatus.UNKNOWN for task in tasks}}
        return {**found, **{task.slot: self._status(task.reference, states.get(task.reference), now) for task in tasks}}

    def _ask(self, arns: tuple[str, ...]) -> Mapping[str, TaskState]:
        return self._door.states(self._place.cluster, arns)

    def _status(self, arn: str, state: TaskState | None, now: float) -> WorkerStatus:
        if state is not None:
            self._unseen.pop(arn, None)
            return WorkerStatus.GONE if state.is_over else WorkerStatus.ALIVE
        since = self._unseen.setdefault(arn, now)
        return WorkerStatus.GONE if now - since > UNSEEN_SECONDS else WorkerStatus.UNKNOWN

    def stop(self, handles: tuple[WorkerHandle, ...], *, hard: bool) -> None:
        """StopTask is SIGTERM and, two minutes later, SIGKILL: both kinds of stop are the same to ECS, and the stop flag tells
        the agent which it is. Workers of the pool are not ended: they give the slot up and wait for other work."""
        self._calls.take_back(tuple(handle for handle in handles if is_call(handle)))
        tasks = tuple(handle.reference for handle in handles if not is_call(handle))
        if tasks:
            with ThreadPoolExecutor(min(STARTERS, len(tasks))) as stoppers:
                tuple(stoppers.map(self._stop, tasks))
        self._states.forget(tasks)

    def _stop(self, arn: str) -> None:
        try:
            self._door.stop(self._place.cluster, arn, "Knopfdruck: the run is ending")
        except AwsError as error:
            log.warning("stop_task_failed task=%s: %s", arn, error.message)

    def release(self, run_id: str) -> None:
        self._crews.forget((run_id,))
        self._calls.pool.withdraw(run_id)

    def sweep(self, is_over: Callable[[str], bool]) -> tuple[str, ...]:
        """Tasks of the pool's service are the service's own: what they hold ends by its deadline."""
        states = self._door.states(self._place.cluster, self._door.all_tasks(self._place.cluster))
        left = tuple(arn for arn, state in states.items() if not state.is_over and is_over(state.started_by))
        for arn in left:
            self._door.stop(self._place.cluster, arn, "Knopfdruck: its run is over")
        return left

    def places(self, handles: tuple[WorkerHandle, ...]) -> Mapping[int, str]:
        calls = tuple(handle for handle in handles if is_call(handle))
        found = {slot: f"{claim.worker.rpartition('/')[2]} in {claim.az}" for slot, claim in self._calls.claims(calls).items()}
        with contextlib.suppress(AwsError):
            states = self._states.of((one.reference for one in handles if not is_call(one)), self._ask)
            for handle in handles:
                if (state := states.get(handle.reference)) is not None and state.az:
                    found[handle.slot] = f"{handle.reference.rpartition('/')[2]} in {state.az}"
        return found


def token(run_id: str, slot: int, epoch: int) -> str:
    """The same for the same worker, whoever starts it and however often."""
    return hashlib.sha256(f"{run_id}|{slot}|{epoch}".encode()).hexdigest()[:64]
