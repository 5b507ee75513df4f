"""The engine from paused to ended: ready, barrier, load, drain. One loop, one reason at the end."""

from __future__ import annotations

import math
from collections.abc import Callable

from portal.core.ports import Clock, Engine
from portal.core.protocol import DoneReason, WorkerPhase
from portal.core.split import WorkerAssignment
from runner_images.agent.gates import StartGate
from runner_images.agent.intake import Intake
from runner_images.agent.k6_api import GateStuck, ScriptThrew
from runner_images.agent.orders import End, Orders
from runner_images.agent.process import EngineProcess
from runner_images.agent.report import Report
from runner_images.agent.setup_teardown import SetupAndTeardown

TICK = 0.05
TOO_LATE = 5.0
"""A start that is older than this when it is seen was missed: do not start."""
AFTER_TERM = 5.0
AFTER_LETTING_GO = 10.0
"""Artillery tidies up for some seconds."""
NEARLY = 1.5
"""Seconds before its begin from which on a worker only waits for that."""


class EngineRun:
    def __init__(
        self, assignment: WorkerAssignment, engine: Engine, process: EngineProcess, gate: StartGate,
        intake: Intake, report: Report, orders: Orders, clock: Clock, once: SetupAndTeardown | None = None,
    ) -> None:  # fmt: skip
        """`once` for an engine that lingers."""
        self._plan, self._engine, self._process, self._gate = assignment.plan, engine, process, gate
        self._intake, self._report, self._orders, self._clock = intake, report, orders, clock
        self._elapsed = int(assignment.elapsed.total_seconds())
        self._assignment = assignment
        self._tears_down = assignment.is_last
        self._once = once
        self._t0: int | None = None
        self._begin = 0

    def live(self) -> None:
        """Always ends with a done record, and never with a living engine."""
        self._report.heart.pieces.log = self._process.log
        for pid in self._process.pids:
            self._report.heart.vitals.watch(pid)
        try:
            end = self._become_ready() or self._await_start() or self._release() or self._run()
        except Exception as error:  # A bug of ours must not leave load running: end the engine, say what happened, go on up.
            self._process.kill()
            self._finish(End(DoneReason.ENGINE_FAILED, f"The agent failed: {error!r}"))
            raise
        self._finish(end)

    def _become_ready(self) -> End | None:
        patience = self._clock.now() + self._plan.ready_within.total_seconds()
        message = "The engine did not get ready in time."
        first = self._once is not None and self._once.comes_first
        if first and (end := self._set_up(patience, message)):
            return end
        if end := self._until(self._gate.is_ready, patience, message):
            return end
        if not first and (end := self._set_up(patience, message)):
            return end
        return None if self._report.ready() else End(DoneReason.STORE_FAILED, self._report.store_failure, hard=True)

    def _until(self, is_so: Callable[[], bool], patience: float, message: str) -> End | None:
        while not is_so():
            if end := self._early_end(patience, message):
                return end
            self._clock.sleep(TICK)
        return None

    def _set_up(self, patience: float, message: str) -> End | None:
        """The script's setup(), or the data it gave elsewhere: before this worker is ready, so that none of it is load."""
        try:
            return self._until(self._once.is_ready, patience, message) if self._once else None
        except ScriptThrew as error:
            return End(DoneReason.SCRIPT_ERROR, str(error), hard=True)
        except GateStuck as error:
            return End(DoneReason.ENGINE_FAILED, f"The engine did not take the data of setup(): {error}.", hard=True)

    def _await_start(self) -> End | None:
        patience = self._clock.now() + 2 * self._plan.ready_within.total_seconds()
        while True:
            # Asked first: a stop that came before the start, and an engine that is gone, make it void.
            if end := self._early_end(patience, "The start was not given in time."):
                return end
            self._t0 = self._orders.start_time() if self._t0 is None else self._t0
            if self._t0 is not None:
                self._begin = self._t0 + self._elapsed
                if self._clock.now() > self._begin - NEARLY:
                    break
                patience = self._begin
            self._clock.sleep(4 * TICK)
        if self._clock.now() > self._begin + TOO_LATE:
            return End(DoneReason.NOT_STARTED, "The common start was missed by more than 5 s.", hard=True)
        self._report.clock_offset_ms = self._orders.clock_offset_ms
        return None

    def _early_end(self, patience: float, message: str) -> End | None:
        """Why it is over before it began."""
        if self._process.exit_code() is not None:
            return self._engine_end()
        if end := self._orders.end(self._plan, None):
            return End(end.reason, end.message, hard=True)
        if self._clock.now() > patience:
            return End(DoneReason.NOT_STARTED, message, hard=True)
        return None

    def _release(self) -> End | None:
        try:
            released_at = self._gate.release(self._begin, self._clock)
        except (GateStuck, OSError) as error:
            return End(DoneReason.ENGINE_FAILED, f"The engine could not be released: {error}.", hard=True)
        hands_over = math.inf if self._assignment.is_last else (self._t0 or 0) + self._assignment.ends.total_seconds()
        self._report.begin(self._begin, released_at, hands_over)
        return None

    def _run(self) -> End:
        while not self._is_over():
            if end := self._orders.end(self._plan, self._t0, self._assignment.deadline) or self._store_end():
                return end
            if self._orders.leaves:
                self._report.leave()
            if self._orders.begins is not None:
                self._report.another_begins(self._orders.begins)
            self._report.flush_if_due()
            self._clock.sleep(TICK)
        return self._part() or self._engine_end()

    def _is_over(self) -> bool:
        """The load; an engine that lingers is still there."""
        return self._process.exit_code() is not None or (self._once is not None and self._once.load_is_over())

    def _part(self) -> End | None:
        """From an engine that lingers, after a teardown() that is this worker's to run; the end when that throws."""
        if self._once is None or self._process.exit_code() is not None:
            return None
        self._report.load_is_over()
        deadline = (self._t0 or 0) + self._plan.deadline.total_seconds()
        try:
            if self._tears_down:
                self._once.tear_down(deadline, self._may_go_on)
        except (ScriptThrew, GateStuck) as error:
            return End(DoneReason.SCRIPT_ERROR, str(error))
        finally:
            self._once.let_go(self._process)
            self._wait(AFTER_LETTING_GO)
        return None

    def _may_go_on(self) -> bool:
        """Flushes meanwhile. A graceful stop ends the load, not the teardown() after it."""
        self._report.flush_if_due()
        end = self._orders.end(self._plan, None)
        return self._process.exit_code() is None and (end is None or (end.reason is DoneReason.STOPPED and not end.hard))

    def _store_end(self) -> End | None:
        failure = self._report.store_failure
        return End(DoneReason.STORE_FAILED, f"The run store failed: {failure}") if failure else None

    def _engine_end(self) -> End:
        self._process.finish_output()
        code = self._process.exit_code()
        ending = self._engine.ending(code if code is not None else -1, self._process.log.lines())
        return End(ending.reason, ending.message)

    def _finish(self, end: End) -> None:
        self._drain(end)
        if self._once is not None:
            self._once.close()
        self._process.kill()  # Whatever the engine left behind.
        self._process.finish_output()
        self._intake.finish()
        self._report.done(end, self._process, exit_code=self._process.exit_code(), broken=self._intake.broken)

    def _drain(self, end: End) -> None:
        """Ask, then insist, then force; numbers go on being shipped meanwhile."""
        if not self._process.is_alive():
            return
        self._report.heart.phase = WorkerPhase.DRAINING
        if not end.hard:
            self._gate.ask_stop(self._process)
            self._wait(self._plan.drain.total_seconds(), self._is_over)
        self._tears_down = self._tears_down or end.reason is DoneReason.STOPPED
        if end.reason in (DoneReason.STOPPED, DoneReason.DEADLINE) and not end.hard and self._is_over():
            self._part()
        self._process.terminate()
        self._wait(AFTER_TERM)
        self._process.kill()
        self._wait(AFTER_TERM)

    def _wait(self, seconds: float, is_over: Callable[[], bool] | None = None) -> None:
        is_over = is_over or (lambda: not self._process.is_alive())
        until = self._clock.now() + seconds
        while not is_over() and self._clock.now() < until and not self._orders.is_hard_stop():
            self._report.flush_if_due()
            self._clock.sleep(TICK)
