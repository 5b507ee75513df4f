"""How many workers a load needs and can have, and what a backend can do at all. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from fractions import Fraction

from portal.core import load as loads
from portal.core.errors import Problem
from portal.core.load import ClosedLoad, Load, OpenLoad
from portal.core.script import ScriptFacts


@dataclass(frozen=True, slots=True)
class Limits:
    """What a backend can do; data, checked before acting."""

    engines: tuple[str, ...]
    longest: timedelta
    most_workers: int
    vus_per_worker: int
    advice: str = ""
    """Where to go instead when `longest` is not enough."""
    longest_slice: timedelta | None = None
    """What one worker may take of a longer load that is sliced; None: nothing is sliced here."""
    is_elastic: bool = False
    """Whether slots can move between workers of a pool while the load goes on."""


def default_workers(load: Load, facts: ScriptFacts, limits: Limits, *, slots_each: int = 1) -> int:
    """As many workers as the planned virtual users need, never more than can share the load. `slots_each`: where a worker
    can hold several parts, so many for each."""
    vus = planned_vus(load)
    wanted = (math.ceil(vus / limits.vus_per_worker) if vus else 1) * slots_each
    return max(1, min(wanted, limits.most_workers, _most_workers(load, facts) or wanted))


def planned_vus(load: Load) -> int:
    """The most users at once; 0 where only the script knows."""
    if isinstance(load, ClosedLoad):
        return math.ceil(loads.peak(load))
    if isinstance(load, OpenLoad):
        return load.max_vus or loads.default_vus(loads.peak(load))
    return load.peak_vus or 0


def planned_rate(load: Load) -> Fraction:
    """The most arrivals per second; 0 where users loop, or only the script knows."""
    return loads.peak(load) if isinstance(load, OpenLoad) else Fraction(0)


def _most_workers(load: Load, facts: ScriptFacts) -> int | None:
    if isinstance(load, ClosedLoad):
        return math.floor(loads.peak(load))
    if isinstance(load, OpenLoad):
        return facts.load.most_workers or load.max_vus
    return load.most_workers


def worker_problems(workers: int, load: Load, facts: ScriptFacts, limits: Limits) -> Iterator[Problem]:
    if workers > limits.most_workers:
        yield Problem("workers", f"{workers} workers are more than the {limits.most_workers} this backend starts.")
    most = _most_workers(load, facts)
    if most is not None and workers > most:
        what = "virtual users" if isinstance(load, ClosedLoad) else "virtual users or arrivals"
        yield Problem("workers", f"{workers} workers cannot share {most} {what}: some would do nothing.",
                      f"Ask for at most {most} workers.")  # fmt: skip
