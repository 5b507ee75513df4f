"""The live timeline: what is final, what is not known, what comes late, who goes on after a restart, how much is read."""

from __future__ import annotations

import pytest

from portal.core.merged_run import MergedRun
from portal.core.timeline import TimePoint, timeline
from portal.stores.memory import MemoryStore
from portal.stores.run_store import RunStore
from portal.usecases.live_timeline import (
    FINE_SECONDS,
    LATE_SECONDS,
    MOST_POINTS,
    WAIT_SECONDS,
    LiveTimeline,
    final_until,
    read_timeline,
)
from tests.core.points import snapshot
from tests.usecases.watching import Watcher, running
from tests.usecases.workers import requests

T0 = 1_795_000_000


def a_store() -> RunStore:
    return RunStore(MemoryStore(), "r1")


def measured(until: int, *, since: int = 0, ms: float = 100.0) -> MergedRun:
    """One worker's seconds, in snapshots of at most a minute."""
    series = MergedRun()
    for seq, start in enumerate(range(since, until, 60)):
        end = min(start + 60, until)
        points = [point for second in range(T0 + start, T0 + end) for point in requests(second, ms=ms + second % 7)]
        series.add(snapshot(0, seq, start=T0 + start, end=T0 + end, points=points))
    return series


def exact(series: MergedRun, until: int, step: int = 1) -> tuple[TimePoint, ...]:
    return timeline(series.recent(), T0, T0 + until, covered=series.covered(), step=step)


def test_a_second_is_final_when_every_measuring_worker_accounts_for_it() -> None:
    assert final_until(110, {0: 110, 1: 108}, [0, 1], 100) == 108
    assert final_until(102, {0: 102}, [0, 1], 100) == 100, "the second worker has said nothing yet"


def test_a_worker_that_is_far_behind_or_over_is_not_waited_for() -> None:
    assert final_until(130, {0: 130, 1: 104}, [0, 1], 100) == 130 - WAIT_SECONDS
    assert final_until(130, {0: 130, 1: 104}, [0], 100) == 130
    assert final_until(130, {0: 130, 1: 104}, [], 100) == 130


def test_what_is_read_is_what_merging_everything_at_once_gives() -> None:
    store, series, live = a_store(), measured(150), LiveTimeline()
    for until in (1, 2, 7, 59, 60, 61, 119, 150):
        live.write(store, series, T0, T0 + until)
        assert read_timeline(store, live.until) == exact(series, until)
    assert read_timeline(store, live.until, 100) == exact(series, 150)[100:]


def test_seconds_nobody_measured_are_holes() -> None:
    store, series, live = a_store(), MergedRun(), LiveTimeline()
    series.add(snapshot(0, 0, start=T0, end=T0 + 2, points=requests(T0)))
    series.add(snapshot(0, 1, start=T0 + 4, end=T0 + 5, points=requests(T0 + 4)))
    live.write(store, series, T0, T0 + 5)
    assert [point.requests for point in read_timeline(store, 5)] == [10, 0, None, None, 10]


def test_what_comes_late_is_added_to_its_second() -> None:
    store, series, live = a_store(), measured(70), LiveTimeline()
    live.write(store, series, T0, T0 + 70)
    series.add(snapshot(1, 0, start=T0 + 58, end=T0 + 62, points=requests(T0 + 59)))
    live.changed(T0 + 58)
    live.write(store, series, T0, T0 + 70)
    assert read_timeline(store, 70) == exact(series, 70)
    assert read_timeline(store, 70)[59].requests == 20


def test_writing_without_news_writes_nothing() -> None:
    store, series, live = a_store(), measured(30), LiveTimeline()
    live.write(store, series, T0, T0 + 30)
    store.delete_run()
    live.write(store, series, T0, T0 + 30)
    assert read_timeline(store, 30) == ()


def test_the_next_watcher_goes_on_where_the_last_one_stopped() -> None:
    store, whole = a_store(), measured(700)
    LiveTimeline().write(store, measured(650), T0, T0 + 650)
    # After a restart the merged seconds may begin later than the run did; what was written before stands.
    LiveTimeline(650).write(store, measured(700, since=600), T0, T0 + 700)
    assert read_timeline(store, 700) == exact(whole, 700)


def test_a_long_run_is_read_in_exact_wider_steps_with_single_seconds_at_its_end() -> None:
    until = MOST_POINTS + 300
    store, series = a_store(), measured(until)
    live = LiveTimeline()
    for moment in range(100, until + 1, 100):
        live.write(store, series, T0, T0 + moment)
    points = read_timeline(store, until)
    assert len(points) <= MOST_POINTS
    wide, fine = points[:-FINE_SECONDS], points[-FINE_SECONDS:]
    assert wide == exact(series, until - FINE_SECONDS, 10)
    assert fine == exact(series, until)[-FINE_SECONDS:]
    assert LATE_SECONDS < FINE_SECONDS, "a wider step is there before it is needed"


@pytest.mark.django_db
def test_the_watcher_shows_what_all_workers_have_sent() -> None:
    scene, watcher, (first, second), t0 = running()
    first.measure(t0, t0 + 4)
    second.measure(t0, t0 + 2)
    assert watcher.look().progress["timeline_until"] == 2
    assert [point.requests for point in read_timeline(scene.store(watcher.run), 2)] == [20, 20]
    second.measure(t0 + 2, t0 + 4)
    assert Watcher(scene, watcher.run).look().progress["timeline_until"] == 4, "another process goes on"
    assert [point.requests for point in read_timeline(scene.store(watcher.run), 4)] == [20] * 4
