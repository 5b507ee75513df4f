"""Who is told of a run in AWS, when, and what; and that nobody waits for it."""

from __future__ import annotations

import pytest

from portal.core.errors import PortalError
from portal.core.run_state import EndReason, RunState
from portal.core.verdict import Outcome
from portal.models import Environment, Run
from portal.usecases.end_run import end_run
from portal.usecases.finish_run import finish_run
from portal.usecases.notify import Moment, send_notice
from tests.builders import an_ended_run, an_environment
from tests.usecases.parts import Scene, jobs
from tests.usecases.test_aws_environments import AWS
from tests.usecases.watching import launching
from tests.usecases.workers import mark_done

pytestmark = pytest.mark.django_db


def in_aws() -> Environment:
    return an_environment("dev", place="aws", aws=AWS)


def ended(outcome: Outcome = Outcome.FAILED) -> Run:
    return an_ended_run(outcome, environment=in_aws(), aws=AWS)


def test_the_last_message_has_the_verdict_the_numbers_and_what_failed() -> None:
    scene, run = Scene(), ended()
    send_notice(run.id, Moment.ENDED, scene.parts)
    ((subject, message, words),) = scene.announcer.said
    assert subject == "Knopfdruck: product on dev: failed"
    assert (message["verdict"], message["numbers"]["requests"], message["numbers"]["p95_ms"]) == ("failed", 8333, 116.1)
    assert message["failed_thresholds"][0].startswith("http_req_duration p(95)<300")
    assert message["urls"]["page"] == f"http://127.0.0.1:8000/admin/portal/run/{run.id}/change/"
    assert words == {"run": run.id, "moment": "ended", "environment": "dev", "backend": "lambda", "verdict": "failed"}


def test_the_numbers_of_a_run_are_counted_by_environment_and_backend() -> None:
    scene, run = Scene(), ended(Outcome.PASSED)
    send_notice(run.id, Moment.ENDED, scene.parts)
    ((values, dimensions),) = scene.announcer.measured
    assert dimensions == {"Environment": "dev", "Backend": "lambda"}
    assert (values["RunsPassed"], values["RunsFailed"], values["Requests"]) == ((1.0, "Count"), (0.0, "Count"), (8333, "Count"))
    assert values["P95"] == (116.1, "Milliseconds")


def test_a_start_is_told_without_numbers() -> None:
    scene, run = Scene(), ended()
    run.result.delete()
    send_notice(run.id, Moment.STARTED, scene.parts)
    assert "numbers" not in scene.announcer.said[0][1]
    assert scene.announcer.measured == []


def test_a_topic_that_fails_keeps_nobody_from_counting_and_fails_no_job() -> None:
    scene, run = Scene(), ended()
    scene.announcer.error = PortalError("Not allowed.")
    send_notice(run.id, Moment.ENDED, scene.parts)
    assert (scene.announcer.said, len(scene.announcer.measured)) == ([], 1)


def test_runs_of_this_machine_and_runs_there_are_not_are_not_told_of() -> None:
    scene = Scene()
    send_notice(an_ended_run().id, Moment.ENDED, scene.parts)
    send_notice("20261124-ffffffff", Moment.ENDED, scene.parts)
    assert (scene.announcer.said, scene.announcer.measured) == ([], [])


@pytest.mark.parametrize("far", [True, False])
def test_a_run_is_told_of_when_it_starts_is_aborted_and_has_ended_once_each(far: bool) -> None:
    scene, watcher, workers = launching()
    if far:
        Run.objects.filter(pk=watcher.run.id).update(aws=AWS)
    for worker in workers:
        worker.ready()
    watcher.look()
    watcher.look()
    for _ in range(2):
        end_run(watcher.run.id, EndReason.THRESHOLD_ABORT, scene.parts, message="Aborted.")
    mark_done(watcher.run, 0, 1)
    scene.backend.ends_when = "told"
    Run.objects.filter(pk=watcher.run.id).update(state=RunState.COLLECTING)
    for _ in range(2):
        finish_run(watcher.run.id, scene.parts)
    told = [words for job, words in jobs() if job == "notify"]
    assert told == ([(watcher.run.id, moment) for moment in ("started", "aborted", "ended")] if far else [])
