"""Starting a worker for each of many slots: side by side, and again those that AWS had no room for, after growing pauses."""

from __future__ import annotations

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from portal.aws.errors import AwsError
from portal.core.cloud_ports import PartlyLaunched
from portal.core.ports import Clock, WorkerHandle


@dataclass(frozen=True, slots=True)
class Rounds:
    """`at_once` calls run side by side; pauses are in seconds, each twice the one before, times something of `jitter`."""

    most: int
    first_pause: float
    at_once: int
    jitter: tuple[float, float] = (1.0, 1.0)

    def start(
        self, slots: tuple[int, ...], epoch: int, one: Callable[[int], str | AwsError], clock: Clock, *, failing: str
    ) -> tuple[WorkerHandle, ...]:
        """`one` gives a slot's reference, or why there is none; raises PartlyLaunched, whose sentence goes on with `failing`."""
        started: dict[int, WorkerHandle] = {}
        left, failure = slots, None
        for attempt in range(self.most):
            left, failure = self._round(left, epoch, one, started)
            if not left or (failure is not None and failure.permanent):
                break
            clock.sleep(self.first_pause * 2**attempt * random.uniform(*self.jitter))
        if failure is not None and left:
            raise PartlyLaunched(
                f"{len(left)} of {len(slots)} {failing}: {failure.message}", started=tuple(started.values()), hint=failure.hint
            )
        return tuple(started[slot] for slot in slots)

    def _round(
        self, slots: tuple[int, ...], epoch: int, one: Callable[[int], str | AwsError], started: dict[int, WorkerHandle]
    ) -> tuple[tuple[int, ...], AwsError | None]:
        """The slots that are left, and why the last of them is."""
        left: list[int] = []
        failure: AwsError | None = None
        with ThreadPoolExecutor(min(self.at_once, len(slots)) or 1) as callers:
            for slot, answer in zip(slots, callers.map(one, slots), strict=True):
                if isinstance(answer, AwsError):
                    left.append(slot)
                    failure = answer
                else:
                    started[slot] = WorkerHandle(slot, epoch, answer)
        return tuple(left), failure
