"""The load a run makes: closed (virtual users over time), open (arrivals per second), or the script's own.

All numbers are totals over all workers; `split` computes shares from them.
"""

from __future__ import annotations

import math
from abc import ABC
from dataclasses import dataclass, replace
from datetime import timedelta
from fractions import Fraction
from typing import TYPE_CHECKING, TypeVar


@dataclass(frozen=True, slots=True)
class Stage:
    """Go in a straight line to `target` (virtual users, or arrivals per second) within `duration`."""

    duration: timedelta
    target: Fraction


@dataclass(frozen=True, slots=True)
class ClosedLoad:
    """A number of virtual users that loop; each waits for its answers."""

    start: Fraction
    stages: tuple[Stage, ...]

    @classmethod
    def constant(cls, vus: int, duration: timedelta) -> ClosedLoad:
        return cls(Fraction(vus), (Stage(duration, Fraction(vus)),))

    @property
    def is_constant(self) -> bool:
        return len(self.stages) == 1 and self.stages[0].target == self.start


@dataclass(frozen=True, slots=True)
class OpenLoad:
    """Arrivals per second that do not wait for answers; `max_vus` bounds how many run at once (None: engine's own)."""

    start: Fraction
    stages: tuple[Stage, ...]
    max_vus: int | None = None

    @classmethod
    def constant(cls, rate: Fraction, duration: timedelta, max_vus: int | None = None) -> OpenLoad:
        return cls(rate, (Stage(duration, rate),), max_vus)

    @property
    def is_constant(self) -> bool:
        return len(self.stages) == 1 and self.stages[0].target == self.start


@dataclass(frozen=True, slots=True)
class ScriptLoad:
    """The script's own shape, untouched. The numbers are what the engine says the script will do.

    `length` is None where only the script knows (iterations without end); `most_workers` is how many workers
    can share it without one of them idling or arrivals being dropped.
    """

    length: timedelta | None
    peak_vus: int | None
    most_workers: int | None


if TYPE_CHECKING:
    Load = ClosedLoad | OpenLoad | ScriptLoad
else:
    # msgspec cannot decode a union of dataclasses (https://jcristharif.com/msgspec/supported-types.html#union-optional);
    # a class of its own is handed to the hook in `wire`, which tells the three apart.
    class Load(ABC):  # noqa: B024 - it has no methods: it only names the three
        pass

    Load.register(ClosedLoad)
    Load.register(OpenLoad)
    Load.register(ScriptLoad)


Shaped = TypeVar("Shaped", bound=ClosedLoad | OpenLoad)


def duration(load: Load) -> timedelta | None:
    """How long load is made, without the time the last users need to finish."""
    if isinstance(load, ScriptLoad):
        return load.length
    return sum((stage.duration for stage in load.stages), timedelta())


def peak(load: ClosedLoad | OpenLoad) -> Fraction:
    """The highest number of virtual users, or the highest arrival rate, that is reached."""
    return max((load.start, *(stage.target for stage in load.stages)))


def level_at(load: ClosedLoad | OpenLoad, seconds: float) -> float:
    """The planned virtual users or arrivals per second `seconds` after the start; 0 after the end."""
    previous, elapsed = float(load.start), 0.0
    for stage in load.stages:
        length = stage.duration.total_seconds()
        if seconds < elapsed + length:
            return previous + (float(stage.target) - previous) * (seconds - elapsed) / length
        previous, elapsed = float(stage.target), elapsed + length
    return 0.0


def arrivals_until(load: OpenLoad, moment: timedelta) -> Fraction:
    """The exact number of arrivals planned from the start until `moment` (the area under the rate)."""
    total, previous, left = Fraction(0), load.start, exact_seconds(moment)
    for stage in load.stages:
        length = exact_seconds(stage.duration)
        if length == 0:
            previous = stage.target
            continue
        part = min(left, length)
        end = previous + (stage.target - previous) * part / length
        total += (previous + end) / 2 * part
        left -= part
        if left <= 0:
            return total
        previous = stage.target
    return total


def rest_of(load: Shaped, elapsed: timedelta) -> Shaped | None:
    """What is left of the curve after `elapsed`, for whoever takes over: the same level at every later moment.

    None when nothing is left.
    """
    left, level = elapsed, load.start
    for place, stage in enumerate(load.stages, start=1):
        if left < stage.duration:
            level += (stage.target - level) * exact_seconds(left) / exact_seconds(stage.duration)
            stages = (Stage(stage.duration - left, stage.target), *load.stages[place:])
            return replace(load, start=level, stages=stages)
        left, level = left - stage.duration, stage.target
    return None


def first_of(load: Shaped, length: timedelta) -> Shaped:
    """The curve until `length`, for whoever hands over then; `rest_of` is what follows."""
    left, level, kept = length, load.start, list[Stage]()
    for stage in load.stages:
        if left <= timedelta():
            break
        if stage.duration > left:
            level += (stage.target - level) * exact_seconds(left) / exact_seconds(stage.duration)
            kept.append(Stage(left, level))
            break
        kept.append(stage)
        left, level = left - stage.duration, stage.target
    return replace(load, stages=tuple(kept))


def exact_seconds(span: timedelta) -> Fraction:
    """A duration as an exact fraction of seconds (timedelta is whole microseconds)."""
    return Fraction(span // timedelta(microseconds=1), 1_000_000)


def default_vus(rate: Fraction, workers: int = 1) -> int:
    """How many virtual users to prepare for an open load when the user names none: one second's arrivals."""
    return max(workers, 1, math.ceil(rate))
