import pytest

from portal.models import Run
from portal.usecases.finish_run import finish_run
from portal.usecases.read_events import Cursor, read_events
from tests.usecases.watching import collecting


@pytest.mark.django_db
def test_what_the_engines_wrote_is_told_once_in_the_events() -> None:
    scene, run, workers, t0 = collecting()
    for worker in workers:
        worker.measure(t0, t0 + 10)
        worker.done(last_second=t0 + 10, log_tail=("request failed", f"only {worker.slot}"))
    for _ in range(2):
        finish_run(run.id, scene.parts)
    happened = read_events(Run.objects.get(pk=run.id), Cursor(), scene.parts)
    told = [event["text"] for event in happened.events if event["kind"] == "log"]
    assert told == ["Worker 0 (and 1 more): request failed", "Worker 0: only 0", "Worker 1: only 1"]
