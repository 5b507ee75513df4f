"""The handler: one slot of one run, from event to done, and out 45 seconds before the platform would end it.

The lease in the run store decides who works, so an event that comes twice starts nothing the second time. Whoever calls
reads the run store for results; what is returned here is for the log and for people.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from pathlib import Path
from typing import Protocol

from runner_images.agent.exit_codes import ExitCode
from runner_images.agent.privileges import hide
from runner_images.aws_lambda.event import EventRefused, read_event
from runner_images.child import Agent, Assignment
from runner_images.json_log import forwarded, say

hide()  # At import, before there is anything that could read our credentials.

SPARE_SECONDS, KILL_SECONDS, LEAST_SECONDS = 45.0, 5.0, 75.0
"""Before the platform's deadline: the agent drains; it is killed; nothing is begun at all."""
TICK = 0.1
STATES: dict[int, str] = {
    ExitCode.DONE: "done", ExitCode.LEASE_TAKEN: "duplicate", ExitCode.NO_ASSIGNMENT: "refused", ExitCode.RUN_OVER: "refused",
    ExitCode.BAD_ARGUMENTS: "refused",
}  # fmt: skip


class Context(Protocol):
    """Of Lambda's context object what is used here."""

    aws_request_id: str

    def get_remaining_time_in_millis(self) -> int: ...


class WorkerFailed(Exception):
    """The agent ended without a last word in the store: the invocation counts as failed, and its destination hears of it."""


def handle(event: object, context: Context) -> dict[str, object]:
    """The state (done, duplicate, refused) with the agent's exit code. Raises WorkerFailed."""
    until = time.monotonic() + context.get_remaining_time_in_millis() / 1000
    try:
        asked = read_event(event)
    except EventRefused as error:
        return _refused(str(error))
    about = {"run": asked.run, "slot": asked.slot, "epoch": asked.epoch, "request": context.aws_request_id}
    if until - time.monotonic() < LEAST_SECONDS:
        return _refused(f"Less than {LEAST_SECONDS:.0f} s are left; give the function a longer timeout.", **about)
    say("worker_begins", **about)
    with tempfile.TemporaryDirectory(prefix="knopfdruck-", dir=_emptied(), ignore_cleanup_errors=True) as folder:
        code = _live(asked, folder, until, about)
    state = STATES.get(code, "failed")
    say("worker_ended", state=state, exit_code=code, **about)
    if state == "failed":
        raise WorkerFailed(f"The worker of slot {asked.slot} of run {asked.run} ended with code {code}.")
    return {"state": state, "exit_code": code, **about}


def _live(asked: Assignment, folder: str, until: float, about: dict[str, object]) -> int:
    """The agent's exit code; minus a signal's number when it had to be killed."""
    agent = Agent(asked, {**os.environ, "KNOPFDRUCK_WORK_DIR": folder, "KNOPFDRUCK_LOG": "json"})
    drained = False
    while (code := agent.wait(TICK)) is None:
        _forward(agent, about)
        left = until - time.monotonic()
        if left < SPARE_SECONDS and not drained:
            drained = True
            say("deadline", message="The function's time is nearly over: the worker drains.", **about)
            agent.drain(at_once=True)
        if left < KILL_SECONDS:
            agent.kill()
    _forward(agent, about)
    return code


def _forward(agent: Agent, about: dict[str, object]) -> None:
    for line in agent.new_lines():
        print(forwarded(line, **about), flush=True)


def _refused(message: str, **about: object) -> dict[str, object]:
    say("worker_refused", message=message, **about)
    return {"state": "refused", "message": message, **about}


def _emptied() -> Path:
    """This environment's own folder for work, without what a former invocation left (one that was ended by force)."""
    folder = Path(tempfile.gettempdir(), f"knopfdruck-lambda-{os.getpid()}")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return folder
