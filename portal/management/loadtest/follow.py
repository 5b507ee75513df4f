"""Waits for a run to end and shows how it goes: one line rewritten in place on a terminal, else a line every 5 seconds.

Above it stands what the engines write, as it comes.
"""

from __future__ import annotations

from typing import Any, TextIO  # Any: the status, as JSON

from portal.core.access import Actor
from portal.core.run_state import RunState
from portal.core.words import milliseconds, number
from portal.models import Run
from portal.usecases.read_events import read_sentences
from portal.usecases.read_run import find_run, status_of
from portal.usecases.stop_run import stop_run
from portal.wiring import Parts

LOOK_EVERY = 0.5
LINE_EVERY = 5.0
UNWORKED_AFTER = 15.0
UNWORKED = "Nobody works the queue yet: start `manage.py portal`."


def follow(run_id: str, parts: Parts, out: TextIO, *, by: Actor) -> Run:
    """The ended run. The first Ctrl-C asks it to stop and goes on waiting; the second is the caller's KeyboardInterrupt."""
    screen = _Screen(out)
    try:
        _until_ended(run_id, parts, screen, by)
    except KeyboardInterrupt:
        screen.say("Stopping the run; what was measured is kept. Ctrl-C again leaves it to itself.")
        stop_run(run_id, parts, by=by)
        _until_ended(run_id, parts, screen, by)
    finally:
        screen.close()
    return find_run(run_id, by=by)


def progress_line(status: dict[str, Any]) -> str:
    """`running  12/60 s  20 VUs  152 req/s  p95 43 ms  0 errors  4/4 workers`."""
    progress, workers = status["progress"], status["workers"]
    planned = status["planned_seconds"]
    working = workers["ready"] + workers["running"] + workers["done"]
    words = [status["state"], f"{status['elapsed_seconds']}{f'/{planned:.0f}' if planned else ''} s"]
    if progress:
        words += [
            f"{number(progress.get('vus'))} VUs",
            f"{number(progress.get('requests_per_second'))} req/s",
            f"p95 {milliseconds(progress.get('p95_ms'))}",
            f"{number(progress.get('failed') or 0)} errors",
        ]
    words.append(f"{working}/{workers['planned']} workers")
    if workers["lost"]:
        words.append(f"{workers['lost']} lost")
    return "  ".join(words)


def _until_ended(run_id: str, parts: Parts, screen: _Screen, by: Actor) -> None:
    since = next_line = parts.clock.now()
    is_told, last = False, ""
    while True:
        run = find_run(run_id, by=by)
        now = parts.clock.now()
        if run.state != RunState.QUEUED:
            since = now
        elif now - since > UNWORKED_AFTER and not is_told:
            screen.say(UNWORKED)
            is_told = True
        screen.say_new(run_id)
        line = progress_line(status_of(run))
        if screen.is_terminal or now >= next_line or run.state != last or run.is_over:
            screen.show(line)
            next_line, last = now + LINE_EVERY, run.state
        if run.is_over:
            return
        parts.clock.sleep(LOOK_EVERY)


def _printable(line: str) -> str:
    """A script's output does not steer the terminal of who reads it."""
    return "".join(sign if sign.isprintable() else "?" for sign in line)


class _Screen:
    """Rewrites its line on a terminal; elsewhere every line stays."""

    def __init__(self, out: TextIO) -> None:
        self.out, self.width, self.event = out, 0, 0
        self.is_terminal = out.isatty()

    def show(self, line: str) -> None:
        if self.is_terminal:
            self.out.write("\r" + line.ljust(self.width))
            self.width = len(line)
        else:
            self.out.write(line + "\n")
        self.out.flush()

    def say(self, sentence: str) -> None:
        self.close()
        self.out.write(sentence + "\n")
        self.out.flush()

    def say_new(self, run_id: str) -> None:
        for event, sentence in read_sentences(run_id, self.event):
            self.say(_printable(sentence))
            self.event = event

    def close(self) -> None:
        if self.width:
            self.out.write("\n")
            self.width = 0
