"""Which part of the load that was asked for was really made."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from portal.core.load import ClosedLoad, Load, OpenLoad, arrivals_until, level_at
from portal.core.timeline import TimePoint

LEAST_SECONDS, LEAST_ARRIVALS = 10, 20
"""Of less, the edges of a second would decide."""


def achieved_load(
    load: Load, timeline: Sequence[TimePoint], *, seconds: float, dropped: int, created: int | None
) -> float | None:
    """Users over time against the plan, or arrivals; of the time until the run's end, should that come before the plan's.

    `created` are the users Artillery started; k6 says how many arrivals it `dropped` instead. None: nobody knows.
    """
    if isinstance(load, ClosedLoad):
        return _users(load, timeline, seconds)
    if isinstance(load, OpenLoad):
        asked = float(arrivals_until(load, timedelta(seconds=seconds)))
        made = asked - dropped if created is None else created
        return min(1.0, max(0.0, made / asked)) if asked >= LEAST_ARRIVALS else None
    return None


def _users(load: ClosedLoad, timeline: Sequence[TimePoint], seconds: float) -> float | None:
    if len(timeline) < 2:
        return None
    step = timeline[1].second - timeline[0].second
    length = min(seconds, sum(stage.duration.total_seconds() for stage in load.stages))
    seen = [point for point in timeline if point.vus is not None and point.second + step <= length]
    # A gauge shows the end of its step.
    asked = sum(level_at(load, point.second + step - 0.5) for point in seen)
    if len(seen) * step < LEAST_SECONDS or asked <= 0:
        return None
    return min(1.0, sum(point.vus or 0.0 for point in seen) / asked)
