"""Artillery's phases as exact arrivals, and one worker's share of them as whole-number steps. Pure.

Artillery itself crashes on fractional rates and rounds ramps in every process; with `arrivalCount` steps the workers
together start exactly floor(planned arrivals) users at the end of every step.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from fractions import Fraction
from itertools import pairwise

from portal.core.load import OpenLoad, exact_seconds
from portal.core.split import Segment

RAMP_STEP = Fraction(1)
MOST_STEPS = 600
"""Steps of one ramp; longer ones get longer steps, so that a script of many hours stays small."""
MOST_SHIFT = Fraction(1)


@dataclass(frozen=True, slots=True)
class Phase:
    """`seconds` long, going in a straight line from `start` to `end` arrivals per second; or `count` arrivals, evenly."""

    seconds: Fraction
    start: Fraction = Fraction(0)
    end: Fraction = Fraction(0)
    count: int | None = None
    max_vusers: int | None = None
    name: str = ""

    def arrivals(self, after: Fraction) -> Fraction:
        """Planned arrivals in the first `after` seconds."""
        if not self.seconds:
            return Fraction(self.count or 0)
        if self.count is not None:
            return self.count * after / self.seconds
        return self.start * after + (self.end - self.start) * after * after / (2 * self.seconds)


def from_load(load: OpenLoad) -> tuple[Phase, ...]:
    phases, level = [], load.start
    for stage in load.stages:
        if stage.duration > timedelta():
            phases.append(Phase(exact_seconds(stage.duration), level, stage.target, max_vusers=load.max_vus))
        level = stage.target
    return tuple(phases)


def length(phases: Sequence[Phase]) -> Fraction:
    return sum((phase.seconds for phase in phases), Fraction(0))


def total(phases: Sequence[Phase]) -> int:
    """Users started by all workers together."""
    return int(sum((phase.arrivals(phase.seconds) for phase in phases), Fraction(0)))


def peak(phases: Sequence[Phase]) -> Fraction:
    rates = [Fraction(phase.count) / phase.seconds for phase in phases if phase.count and phase.seconds]
    return max((*rates, *(max(phase.start, phase.end) for phase in phases)), default=Fraction(0))


def steps(phases: Sequence[Phase], segment: Segment, *, since: Fraction = Fraction(0)) -> tuple[dict[str, object], ...]:
    """This worker's phases as Artillery reads them; from `since` (seconds) on, for one that takes over there."""
    found = list(_shift(phases, segment))
    before, left = Fraction(0), since
    for phase in phases:
        if left < phase.seconds:
            found.extend(_steps(phase, before, segment, since=max(left, Fraction(0))))
        before += phase.arrivals(phase.seconds)
        left -= phase.seconds
    return tuple(found)


def _steps(phase: Phase, before: Fraction, segment: Segment, *, since: Fraction) -> Iterator[dict[str, object]]:
    """`before` is what all phases until here have started; the floors run through, so nothing is lost between phases."""
    edges = [since, *(edge for edge in _edges(phase) if edge > since)]
    for begin, end in pairwise(edges):
        count = segment.arrivals(before + phase.arrivals(begin), before + phase.arrivals(end))
        span = f"{int((end - begin) * 1000)}ms"
        step: dict[str, object] = {"duration": span, "arrivalCount": count} if count else {"pause": span}
        if phase.name:
            step["name"] = phase.name
        if count and phase.max_vusers is not None:
            step["maxVusers"] = max(1, segment.share(phase.max_vusers))
        yield step


def _edges(phase: Phase) -> list[Fraction]:
    """Where steps begin and end, in whole milliseconds: one step where the rate is even, short ones in a ramp."""
    milliseconds = max(1, int(phase.seconds * 1000))
    is_even = phase.count is not None or phase.start == phase.end
    wanted = 1 if is_even else -(-Fraction(milliseconds, 1000) // RAMP_STEP)
    parts = max(1, min(int(wanted), MOST_STEPS))
    edges = [Fraction(milliseconds * part // parts, 1000) for part in range(parts)]
    return [*edges, phase.seconds if phase.seconds * 1000 >= 1 else Fraction(1, 1000)]


def _shift(phases: Sequence[Phase], segment: Segment) -> Iterator[dict[str, object]]:
    """A first pause that interleaves the workers' arrivals; without it all would start their users at the same moments."""
    if segment.index and peak(phases):
        seconds = min(segment.index / peak(phases), MOST_SHIFT * segment.index / segment.count)
        if seconds * 1000 >= 1:
            yield {"pause": f"{int(seconds * 1000)}ms"}
