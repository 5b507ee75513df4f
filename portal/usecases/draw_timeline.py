"""A finished run over time, for its result: from the finest kept steps that its length asks for, percentiles exact."""

from __future__ import annotations

from collections.abc import Iterator

from portal.core.block import Block
from portal.core.merge import merge, rollup, split_gauges
from portal.core.merged_run import outlined
from portal.core.timeline import TimePoint, timeline
from portal.usecases.gather_series import GatheredSeries

MOST_POINTS = 600
"""Points of a stored timeline; longer runs get wider steps."""


def draw_timeline(gathered: GatheredSeries, t0: int | None, until: int) -> tuple[TimePoint, ...]:
    if t0 is None or until <= t0:
        return ()
    resolution, step = _steps(until - t0)
    # Steps of 10 and 60 s begin at whole ones of the clock; a timeline of them does as well, so its first may be shorter.
    begin = t0 // resolution * resolution
    block = merge(_outlines(gathered, resolution))
    points = timeline(block, begin, until, covered=gathered.merged.covered(), step=step)
    return tuple(point.moved(begin - t0) for point in points)


def _steps(seconds: int) -> tuple[int, int]:
    """The resolution to read and the step to draw: a multiple of it."""
    step = max(1, -(-seconds // MOST_POINTS))
    resolution = 1 if step < 10 else 10 if step < 60 else 60
    return resolution, -(-step // resolution) * resolution


def _outlines(gathered: GatheredSeries, resolution: int) -> Iterator[Block]:
    """Chunk by chunk: a run of days with all its labels would not fit into memory."""
    for block in gathered.kept.blocks(resolution):
        yield outlined(block)
    for block in gathered.merged.fresh().values():
        # Of a step that is kept in part the gauges are there; adding what came later would count their users twice.
        yield outlined(block) if resolution == 1 else rollup(split_gauges(outlined(block))[0], resolution)
