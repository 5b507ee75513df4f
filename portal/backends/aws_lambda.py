"""Workers as asynchronous calls of one Lambda function: k6 in bursts of up to 14 minutes.

Nobody can look at a call or end it: that a worker lives is told by its own heartbeat, that Lambda gave a call up by a record
in the queue of failed calls. A worker ends by the stop flag in the run store (within seconds), at its deadline, or when the
controller is silent. Reserved concurrency 0 would keep other runs
from starting and end none, so it is a kill switch for an administrator and not used here. A call whose answer was lost is
made again: the slot's lease in the run store lets only one of the two work.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from functools import partial

from portal.aws.awslambda import LambdaDoor
from portal.aws.errors import AwsError
from portal.aws.failed_calls import FailedCalls
from portal.aws.quotas import LAMBDA_AT_ONCE, QuotaDoor
from portal.aws.rounds import Rounds
from portal.aws.sqs import QueueDoor
from portal.backends import LIMITS
from portal.core.aws_place import AwsPlace
from portal.core.errors import LaunchFailed
from portal.core.failed_call import FailedCall
from portal.core.plan import LoadPlan
from portal.core.ports import Clock, WorkerHandle, WorkerStatus

log = logging.getLogger("portal.lambda")
CALLERS = 32
ROUNDS = Rounds(5, first_pause=0.5, at_once=CALLERS, jitter=(0.5, 1.5))
"""A new account's burst fills up by 1,000 each 10 s; five rounds wait for about that long in all."""


class LambdaBackend:
    name = "lambda"
    limits = LIMITS["lambda"]

    def __init__(self, place: AwsPlace, door: LambdaDoor, quotas: QuotaDoor, queue: QueueDoor, clock: Clock) -> None:
        self._place, self._door, self._quotas, self._clock = place, door, quotas, clock
        self._failed = FailedCalls(queue, place.queue_url, clock)

    @classmethod
    def open(cls, place: AwsPlace, clock: Clock) -> LambdaBackend:
        return cls(place, LambdaDoor.of(place, connections=CALLERS), QuotaDoor.of(place), QueueDoor.of(place), clock)

    def launch(self, plan: LoadPlan, slots: tuple[int, ...], epoch: int) -> tuple[WorkerHandle, ...]:
        if epoch == 1 and 0 in slots:
            self._check_quota(plan)
        failing = "Lambda workers could not be called"
        return ROUNDS.start(slots, epoch, partial(self._call, plan, epoch), self._clock, failing=failing)

    def _call(self, plan: LoadPlan, epoch: int, slot: int) -> str | AwsError:
        # cores and memory 0: the worker has the function to itself, and finds out.
        event: dict[str, object] = {"store": self._place.store_url(), "run": plan.run_id, "slot": slot, "epoch": epoch,
                                    "cores": 1 if self._place.is_on_this_machine else 0, "memory": 0}  # fmt: skip
        try:
            return self._door.call(self._place.function, event)
        except AwsError as error:
            log.warning("invoke_failed run_id=%s slot=%s: %s", plan.run_id, slot, error.message)
            return error

    def _check_quota(self, plan: LoadPlan) -> None:
        """Raises LaunchFailed where the account allows fewer at once. Whoever cannot be asked for it keeps nobody from trying."""
        try:
            most = self._quotas.value(LAMBDA_AT_ONCE)
        except AwsError:
            return
        # Where slices meet, a slot has two: one that works and one that waits.
        at_once = plan.workers * (1 if plan.slices == 1 else 2)
        if most is not None and at_once > most:
            raise LaunchFailed(f"{at_once} workers are more than the {most:.0f} concurrent executions of this account.",
                               hint="Ask for fewer workers, or for a higher quota of Lambda.")  # fmt: skip

    def poll(self, handles: tuple[WorkerHandle, ...]) -> Mapping[int, WorkerStatus]:
        return {handle.slot: WorkerStatus.UNKNOWN for handle in handles}

    def failures(self, note: Callable[[FailedCall], bool]) -> None:
        self._failed.read(note)

    def stop(self, handles: tuple[WorkerHandle, ...], *, hard: bool) -> None:
        """The stop flag has been written by now, and is all there is."""

    def release(self, run_id: str) -> None:
        """Nothing is kept."""
