import dataclasses
import io
from collections.abc import Callable

import pytest

from portal import wiring
from portal.core.run_state import EndReason, RunState
from portal.management.loadtest.follow import UNWORKED, follow, progress_line
from portal.models import Run, RunEvent
from portal.usecases.read_run import status_of
from tests.builders import ADA, a_run, an_ended_run, live_progress

pytestmark = pytest.mark.django_db


class ScriptedClock:
    """Time passes only by sleeping; each sleep first does what the test planned for it."""

    def __init__(self, *steps: Callable[[], object]) -> None:
        self.time, self.steps = 1000.0, list(steps)

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += seconds
        if self.steps:
            self.steps.pop(0)()


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def parts(*steps: Callable[[], object]) -> wiring.Parts:
    return dataclasses.replace(wiring.parts(), clock=ScriptedClock(*steps))


def moves(run: Run, state: RunState, **columns: object) -> Callable[[], object]:
    return lambda: Run.objects.filter(pk=run.pk).update(state=state, **columns)


def interrupts() -> None:
    raise KeyboardInterrupt


def test_it_ends_with_the_run_and_shows_every_state() -> None:
    run, out = a_run(), io.StringIO()
    ended = follow(run.id, parts(moves(run, RunState.RUNNING, progress=live_progress()), moves(run, RunState.ENDED)), out, by=ADA)
    assert ended.state == "ended"
    assert [line.split()[0] for line in out.getvalue().splitlines()] == ["queued", "running", "ended"]


def test_elsewhere_than_on_a_terminal_a_line_comes_every_five_seconds() -> None:
    run, out = a_run(state="running"), io.StringIO()
    waits = [lambda: None] * 19
    follow(run.id, parts(*waits, moves(run, RunState.ENDED)), out, by=ADA)
    assert len(out.getvalue().splitlines()) == 3


def test_a_terminal_rewrites_its_line() -> None:
    run, out = a_run(state="running"), Terminal()
    follow(run.id, parts(lambda: None, moves(run, RunState.ENDED)), out, by=ADA)
    assert out.getvalue().count("\r") == 3
    assert out.getvalue().count("\n") == 1


def test_what_engines_write_stands_above_the_line_as_it_comes_once() -> None:
    run, out = a_run(state="running"), io.StringIO()

    def writes(text: str) -> Callable[[], object]:
        return lambda: RunEvent.objects.create(run=run, text=text)

    follow(
        run.id, parts(writes("Worker 0: a\x1b[2J"), interrupts, writes("Worker 0: b"), moves(run, RunState.ENDED)), out, by=ADA
    )
    lines = out.getvalue().splitlines()
    assert [line.split()[0] for line in lines] == ["running", "Worker", "Stopping", "stopping", "Worker", "ended"]
    assert lines[1] == "Worker 0: a?[2J"


def test_a_queue_nobody_works_is_said_once() -> None:
    run, out = a_run(), io.StringIO()
    waits = [lambda: None] * 80
    follow(run.id, parts(*waits, moves(run, RunState.ENDED)), out, by=ADA)
    assert out.getvalue().count(UNWORKED) == 1


def test_the_first_interrupt_stops_the_run_and_waits_on() -> None:
    run, out = a_run(), io.StringIO()
    ended = follow(run.id, parts(interrupts, moves(run, RunState.ENDED)), out, by=ADA)
    assert ended.end_reason == EndReason.STOPPED_BY_USER
    assert "Stopping the run" in out.getvalue()


def test_the_second_interrupt_leaves() -> None:
    run = a_run()
    with pytest.raises(KeyboardInterrupt):
        follow(run.id, parts(interrupts, interrupts), io.StringIO(), by=ADA)


def test_an_ended_run_is_not_waited_for() -> None:
    assert follow(an_ended_run().id, parts(), io.StringIO(), by=ADA).verdict == "passed"


def test_the_line_names_lost_workers() -> None:
    progress = live_progress(workers={"ready": 0, "running": 1, "done": 0, "lost": 1})
    line = progress_line(status_of(a_run(state="running", progress=progress)))
    assert line == "running  0/10 s  20 VUs  152 req/s  p95 43 ms  3 errors  1/2 workers  1 lost"
