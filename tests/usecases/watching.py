"""A run that is watched, from the first worker on or from the moment its load begins."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any  # Any: the fields of a plan, passed through by name.

from portal.core.ports import WorkerStatus
from portal.core.protocol import Start
from portal.core.run_state import EndReason, RunState
from portal.models import Run
from portal.usecases.watch_run import Watches, watch_run
from tests.usecases.parts import Scene
from tests.usecases.workers import FakeWorker, workers_of


class Watcher:
    """One process that watches one run."""

    def __init__(self, scene: Scene, run: Run) -> None:
        self.scene, self.run, self.watches = scene, run, Watches()

    def look(self) -> Run:
        watch_run(self.run.id, self.scene.parts, self.watches)
        self.run.refresh_from_db()
        return self.run


def launching(workers: int = 2, **plan: Any) -> tuple[Scene, Watcher, tuple[FakeWorker, ...]]:
    scene = Scene()
    run = scene.run(RunState.LAUNCHING, workers=workers, **plan)
    return scene, Watcher(scene, run), workers_of(scene, run)


def collecting(
    workers: int = 2, *, end_reason: EndReason = EndReason.COMPLETED, message: str = "", **plan: Any
) -> tuple[Scene, Run, tuple[FakeWorker, ...], int]:
    """A run whose load began just now and is over; its workers' processes are gone."""
    scene, watcher, fakes, t0 = running(workers, **plan)
    Run.objects.filter(pk=watcher.run.id).update(state=RunState.COLLECTING, end_reason=end_reason, message=message)
    scene.backend.status.update(dict.fromkeys(range(workers), WorkerStatus.GONE))
    watcher.run.refresh_from_db()
    return scene, watcher.run, fakes, t0


def running(workers: int = 2, **plan: Any) -> tuple[Scene, Watcher, tuple[FakeWorker, ...], int]:
    """A run whose load began just now."""
    scene = Scene()
    t0 = int(scene.clock.now())
    run = scene.run(RunState.RUNNING, workers=workers, columns={"started": datetime.fromtimestamp(t0, UTC)}, **plan)
    scene.store(run).start(Start(t0))
    return scene, Watcher(scene, run), workers_of(scene, run), t0
