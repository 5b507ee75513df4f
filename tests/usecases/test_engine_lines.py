"""What the engines write comes among a run's events while it runs, once, and at the end what is still missing."""

from __future__ import annotations

import pytest

from portal.core.errors import StoreUnavailable
from portal.core.log_lines import MOST_TOLD, TOO_MANY
from portal.core.protocol import WorkerPhase
from portal.models import Run
from portal.stores.run_store import RunStore
from portal.usecases.finish_run import finish_run
from portal.usecases.note_lines import NotedLines
from portal.usecases.read_events import Cursor, read_events
from tests.fakes import FailingStore
from tests.usecases.parts import Scene
from tests.usecases.watching import Watcher, collecting, launching, running

pytestmark = pytest.mark.django_db


def told(scene: Scene, run: Run) -> list[str]:
    happened = read_events(Run.objects.get(pk=run.id), Cursor(), scene.parts)
    return [event["text"] for event in happened.events if event["kind"] == "log"]


def test_what_the_engines_wrote_is_told_once_in_the_events() -> None:
    scene, run, workers, t0 = collecting()
    for worker in workers:
        worker.measure(t0, t0 + 10)
        worker.done(last_second=t0 + 10, log_tail=("request failed", f"only {worker.slot}"))
    for _ in range(2):
        finish_run(run.id, scene.parts)
    assert told(scene, run) == ["Worker 0 (and 1 more): request failed", "Worker 0: only 0", "Worker 1: only 1"]


def test_lines_come_while_the_run_runs_each_once() -> None:
    scene, watcher, (first, second), _ = running()
    first.says("connection refused", 'time="2026-11-24T10:00:00Z" level=warning msg=slow')
    watcher.look()
    assert told(scene, watcher.run) == ["Worker 0: connection refused", "Worker 0: level=warning msg=slow"]
    second.says("connection refused", "only here")
    first.says("later")
    watcher.look()
    watcher.look()
    assert told(scene, watcher.run)[2:] == ["Worker 0: later", "Worker 1: only here"]


def test_lines_from_before_the_start_are_told_too() -> None:
    scene, watcher, (first, _) = launching()
    first.says("cannot open /data", phase=WorkerPhase.STARTING)
    watcher.look()
    assert told(scene, watcher.run) == ["Worker 0: cannot open /data"]


def test_a_process_that_takes_over_tells_nothing_again_and_leaves_nothing_out() -> None:
    scene, watcher, (first, _), _ = running()
    first.says("a")
    watcher.look()
    first.says("b")
    for another in (Watcher(scene, watcher.run), watcher):
        another.look()
    assert told(scene, watcher.run) == ["Worker 0: a", "Worker 0: b"]


def test_a_piece_nobody_has_announced_is_not_read() -> None:
    scene, watcher, (first, _), _ = running()
    first.beat()
    first.store.put_lines(0, 1, 0, ("half",))
    watcher.look()
    assert told(scene, watcher.run) == []


def test_the_last_lines_are_read_with_the_last_word_and_only_repeated_ones_come_again() -> None:
    scene, watcher, workers, t0 = running()
    for worker in workers:
        worker.measure(t0, t0 + 10)
        worker.says("slow", "once")
    watcher.look()
    for worker in workers:
        worker.says("bye", beats=False)
        worker.done(last_second=t0 + 10, pieces=worker.pieces, log_tail=("slow (x 1,200)", "once", "bye", "not shipped"))
    watcher.look()
    assert told(scene, watcher.run) == ["Worker 0: slow", "Worker 0: once", "Worker 0: bye"]
    finish_run(watcher.run.id, scene.parts)
    assert told(scene, watcher.run)[3:] == ["Worker 0 (and 1 more): slow (x 2,400)", "Worker 0 (and 1 more): not shipped"]


def test_a_flood_is_cut_and_says_so_once() -> None:
    _, watcher, (first, second), _ = running()
    for number in range(0, MOST_TOLD + 100, 100):
        first.says(*(f"line {number + each}" for each in range(100)))
    second.says("too late")
    for _ in range(2):
        watcher.look()
    NotedLines().note_new(watcher.run, first.store, {(0, 1): first.pieces, (1, 1): second.pieces})
    events = list(watcher.run.events.filter(kind="log").values_list("text", flat=True))
    assert (len(events), events[-2:]) == (MOST_TOLD + 1, [f"Worker 0: line {MOST_TOLD - 1}", TOO_MANY])


def test_a_store_that_is_away_for_a_while_costs_no_line() -> None:
    scene, watcher, _, _ = running()
    objects = FailingStore()
    store, lines = RunStore(objects, watcher.run.id), NotedLines()
    store.put_lines(0, 1, 0, ("a",))
    objects.fails = True
    with pytest.raises(StoreUnavailable):
        lines.note_new(watcher.run, store, {(0, 1): 1})
    objects.fails = False
    lines.note_new(watcher.run, store, {(0, 1): 1})
    assert told(scene, watcher.run) == ["Worker 0: a"]
