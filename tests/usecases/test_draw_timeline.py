"""A result's timeline, read chunk by chunk, is that of everything at once; also of what came late or could not be kept."""

from __future__ import annotations

import pytest

from portal.core.block import Block
from portal.core.merge import merge, rollup, split_gauges
from portal.core.merged_run import outlined
from portal.core.timeline import TimePoint, timeline
from portal.stores.memory import MemoryStore
from portal.stores.run_store import RunStore
from portal.usecases.draw_timeline import draw_timeline, steps_of
from portal.usecases.gather_series import GatheredSeries
from tests.core.points import gauge, snapshot
from tests.usecases.workers import requests

T0 = 1_795_000_007


def measured(gathered: GatheredSeries, slot: int, since: int, until: int, every: int) -> None:
    """A worker whose users and latencies change, in snapshots of ten minutes."""
    for seq, start in enumerate(range(since, until, 600)):
        end = min(start + 600, until)
        points = [
            point for second in range(start, end, every)
            for point in (*requests(T0 + second, ms=50.0 + second % 700), gauge(T0 + second, "vus", second % 13, by=str(slot)))
        ]  # fmt: skip
        gathered.merged.add(snapshot(slot, seq, start=T0 + start, end=T0 + end, points=points))


def at_once(gathered: GatheredSeries, until: int, resolution: int, step: int) -> tuple[TimePoint, ...]:
    """All chunks and all that is fresh merged, then rolled up."""
    begin = T0 // resolution * resolution
    fresh = [outlined(block) for block in gathered.merged.fresh().values()]
    rolled = fresh if resolution == 1 else [rollup(split_gauges(block)[0], resolution) for block in fresh]
    block: Block = merge((*map(outlined, gathered.kept.blocks(resolution)), *rolled))
    points = timeline(block, begin, T0 + until, covered=gathered.merged.covered(), step=step)
    return tuple(point.moved(begin - T0) for point in points)


@pytest.mark.parametrize(("seconds", "every"), [(500, 1), (3000, 5), (7200, 20), (36_100, 120)])
@pytest.mark.parametrize("late", [False, True])
def test_chunk_by_chunk_is_at_once(seconds: int, every: int, late: bool) -> None:
    gathered = GatheredSeries(RunStore(MemoryStore(), "r1"), 5)
    measured(gathered, 0, 0, seconds, every)
    gathered.keep()
    if late:
        measured(gathered, 1, seconds // 3, seconds // 3 + 400, every)
        measured(gathered, 2, seconds - 100, seconds + 200, every)
        assert gathered.merged.fresh()
    until = seconds + 250 * late
    found = draw_timeline(gathered, T0, T0 + until)
    assert found == at_once(gathered, until, *steps_of(until))
    assert sum(point.requests or 0 for point in found) > 0
