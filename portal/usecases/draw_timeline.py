"""A finished run over time, for its result: from the finest kept steps that its length asks for, percentiles exact."""

from __future__ import annotations

from collections.abc import Iterator

from portal.core.block import Block
from portal.core.merge import merge, rollup, split_gauges
from portal.core.merged_run import outlined
from portal.core.timeline import TimePoint, streamed
from portal.stores.kept_series import LENGTHS
from portal.usecases.gather_series import GatheredSeries

MOST_POINTS = 600
"""Points of a stored timeline; longer runs get wider steps."""


def draw_timeline(gathered: GatheredSeries, t0: int | None, until: int) -> tuple[TimePoint, ...]:
    if t0 is None or until <= t0:
        return ()
    resolution, step = steps_of(until - t0)
    # Steps of 10 and 60 s begin at whole ones of the clock; a timeline of them does as well, so its first may be shorter.
    begin = t0 // resolution * resolution
    points = streamed(_outlines(gathered, resolution), begin, until, covered=gathered.merged.covered(), step=step)
    return tuple(point.moved(begin - t0) for point in points)


def steps_of(seconds: int) -> tuple[int, int]:
    """The resolution to read and the step to draw: a multiple of it."""
    step = max(1, -(-seconds // MOST_POINTS))
    resolution = 1 if step < 10 else 10 if step < 60 else 60
    return resolution, -(-step // resolution) * resolution


def _outlines(gathered: GatheredSeries, resolution: int) -> Iterator[Block]:
    """In order of time, one for each chunk: a run of days with all its labels, or all its histograms, would not fit into
    memory. What could not be kept is with the chunk to which it belongs."""
    fresh = gathered.merged.fresh()
    chunks = {chunk.start: chunk for chunk in gathered.kept.chunks(resolution)}
    late: dict[int, list[int]] = {}
    for minute in sorted(fresh):
        late.setdefault(minute // LENGTHS[resolution] * LENGTHS[resolution], []).append(minute)
    for start in sorted({*chunks, *late}):
        kept = gathered.kept.blocks(resolution, since=start, until=start + 1) if start in chunks else ()
        yield merge((*map(outlined, kept), *(_fresh(fresh[minute], resolution) for minute in late.get(start, ()))))


def _fresh(block: Block, resolution: int) -> Block:
    """Of a step that is kept in part the gauges are there; adding what came later would count their users twice."""
    return outlined(block) if resolution == 1 else rollup(split_gauges(outlined(block))[0], resolution)
