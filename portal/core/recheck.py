"""The guard rails once more, over a finished plan: by the portal at the launch, and by every worker before its engine starts."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from portal.core.errors import Problem
from portal.core.guard import Guard, address_problems, size_problems, time_problems
from portal.core.plan import LoadPlan
from portal.core.sizing import planned_rate, planned_vus
from portal.core.wire import to_json


def plan_digest(plan: LoadPlan) -> str:
    """Over everything in the plan: script, load, targets, addresses, guard rails."""
    return hashlib.sha256(to_json(plan)).hexdigest()


def recheck(
    plan: LoadPlan, guard: Guard, *, now: datetime, resolve: Callable[[str], tuple[str, ...]], elapsed: timedelta = timedelta()
) -> tuple[Problem, ...]:
    """Everything that forbids to start now. `elapsed` of the load is over already."""
    return (
        *size_problems(guard, vus=planned_vus(plan.load), rate=planned_rate(plan.load), length=plan.duration),
        *time_problems(guard, start=now, length=max(timedelta(), plan.duration - elapsed)),
        *_rebound(plan, guard, resolve),
    )


def _rebound(plan: LoadPlan, guard: Guard, resolve: Callable[[str], tuple[str, ...]]) -> Iterator[Problem]:
    """A name that leads elsewhere than when it was checked: nobody knows whose machine that is."""
    for host, pinned in (plan.network.pins if plan.network else {}).items():
        found = resolve(host)
        yield from address_problems(guard, host, found)
        if strange := sorted(set(found) - set(pinned)):
            yield Problem("targets", f"{host} now leads to {', '.join(strange)}, which was not checked.",
                          "Start a new run, which checks it.")  # fmt: skip
