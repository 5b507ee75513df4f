"""The numbers of any part of a run, read from its kept series: added histograms, so percentiles are of that window exactly."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from portal.core.block import Block
from portal.core.counted import missing
from portal.core.errors import NotFound
from portal.core.merge import EVER, merge, rollup
from portal.core.summary import RunSummary, most_users, summarise
from portal.stores.kept_series import KeptSeries
from portal.stores.run_store import RunStore


@dataclass(frozen=True, slots=True)
class WindowSummary:
    """`since` and `until` are unix seconds; those asked for, or wider where only wider steps are kept (`is_exact` False).

    `vus_max` of the summary is the most at the ends of the steps that were read.
    """

    since: int
    until: int
    is_exact: bool
    summary: RunSummary


def read_window(store: RunStore, since: int, until: int) -> WindowSummary:
    """Whole minutes from the minutes, the edges from finer steps. Raises NotFound when nothing is kept of that time."""
    kept = KeptSeries(store)
    first, last = _edge(kept, since, 1), -_edge(kept, -until, -1)
    users, total = 0, Block.empty()
    for block in _parts(kept, first, last):
        # One part after the other: days with all their labels would not fit into memory.
        users = max(users, most_users(block))
        total = rollup(merge((total, rollup(block, EVER, origin=int(block.at[0])))), EVER)
    if not len(total):
        raise NotFound("There are no measurements of that time.", hint="Ask for a part of the run that lies in it.")
    workers = len({one.slot for one in kept.kept.counted})
    summary = summarise(total, t0=first, seconds=float(last - first), workers=workers, vus_max=users,
                        coverage=_coverage(kept, first, last, workers))  # fmt: skip
    return WindowSummary(first, last, (first, last) == (since, until), summary)


def _coverage(kept: KeptSeries, first: int, last: int, workers: int) -> float:
    slots = {one.slot: last for one in kept.kept.counted}
    left_out = sum(gap.end - gap.start for gap in missing(kept.kept.counted, first, slots))
    return round(1 - left_out / (workers * (last - first)), 4)


def _parts(kept: KeptSeries, first: int, last: int) -> Iterator[Block]:
    """The window from steps of 60 s where it holds whole ones, and its edges from finer steps, in order of time."""
    reached = first
    while reached < last:
        resolution, end = _next(reached, last)
        for block in kept.blocks(resolution, since=reached, until=end):
            if len(part := block.between(reached, end)):
                yield part
        reached = end


def _next(reached: int, last: int) -> tuple[int, int]:
    """The widest step that fits from here on, and how far steps of that width go."""
    for resolution, wider in ((60, last - last % 60), (10, min(last - last % 10, -(-(reached + 1) // 60) * 60))):
        if reached % resolution == 0 and wider > reached:
            return resolution, wider
    return 1, min(last, -(-(reached + 1) // 10) * 10)


def _edge(kept: KeptSeries, second: int, sign: int) -> int:
    """The nearest kept step outwards: `second` itself wherever seconds are kept. Upper edges come and go with `sign` -1."""
    for resolution in (1, 10):
        oldest = min((chunk.start for chunk in kept.chunks(resolution)), default=0)
        if sign * second >= oldest:
            return second // resolution * resolution
    return second // 60 * 60
