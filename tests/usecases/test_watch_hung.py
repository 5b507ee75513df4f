"""A look that hung in a store which came back: nobody is lost for not having been heard meanwhile."""

from __future__ import annotations

from datetime import timedelta

import pytest

from portal.core.run_state import RunState
from portal.usecases.census import SILENT_SECONDS
from portal.usecases.watch_run import HEARD_LATER
from tests.usecases.watching import running
from tests.usecases.workers import states_of

pytestmark = pytest.mark.django_db
AWAY = 60.0
"""As boto3 hangs whose third try is answered."""


def test_a_worker_is_not_lost_for_a_minute_in_which_the_store_hung() -> None:
    scene, watcher, (first, second), _ = running(duration=timedelta(hours=1))
    for worker in (first, second):
        worker.beat()
    watcher.look()
    scene.objects.hang = lambda: scene.clock.sleep(AWAY)
    watcher.look()
    scene.clock.sleep(HEARD_LATER)
    # A call of its own may hang so much longer.
    run = watcher.look()
    assert (run.state, states_of(run)) == (RunState.RUNNING, ["running", "running"])
    scene.clock.sleep(SILENT_SECONDS + 1)
    first.beat()
    assert states_of(watcher.look()) == ["running", "lost"]


def test_a_store_that_is_merely_slow_hides_no_silence() -> None:
    scene, watcher, (first, second), _ = running(duration=timedelta(hours=1))
    for worker in (first, second):
        worker.beat()
    watcher.look()
    scene.clock.sleep(SILENT_SECONDS)
    scene.objects.hang = lambda: scene.clock.sleep(2)
    first.beat()
    watcher.look()
    assert states_of(watcher.look()) == ["running", "lost"]
