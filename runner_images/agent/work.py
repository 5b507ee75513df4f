"""One worker's life: lease, bundle, paused engine, ready, barrier, load, snapshots, done. The same everywhere."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import shutil
import socket
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from portal.core.errors import NotFound, PortalError, RequestRejected
from portal.core.loss import MOST_PER_SLOT, relief_at, take_over_at
from portal.core.plan import LoadPlan
from portal.core.ports import Engine, EngineCommand, Gate, Intake
from portal.core.protocol import DoneReason, Lease, TakeOver
from portal.core.recheck import recheck
from portal.core.secret_refs import Redaction
from portal.core.split import WorkerAssignment
from portal.core.window import LabelPolicy, Window
from portal.net.resolve import resolve
from portal.stores.bundle import unpack
from portal.stores.run_store import RunStore
from runner_images.agent.clock import SystemClock
from runner_images.agent.engine_log import EngineLog
from runner_images.agent.engine_run import EngineRun
from runner_images.agent.exit_codes import ExitCode
from runner_images.agent.gates import FileGate, RestGate, StartGate, free_port
from runner_images.agent.intake import HttpIntake
from runner_images.agent.k6_api import K6Api
from runner_images.agent.lines import LinesIntake, PipeIntake
from runner_images.agent.orders import End, Orders
from runner_images.agent.process import EngineProcess
from runner_images.agent.reading import Read
from runner_images.agent.report import Report
from runner_images.agent.secret_values import hiding, secret_values, with_secrets
from runner_images.agent.sections import Sections
from runner_images.agent.settings import AgentSettings
from runner_images.agent.setup_teardown import SetupAndTeardown


class NothingLeft(PortalError):
    """There is no load to make any more."""


class NotAllowed(NothingLeft):
    """The environment does not allow to start now."""


class Work:
    """`live` returns the exit code; raises StoreUnavailable when the store cannot even be read at the start."""

    def __init__(
        self, settings: AgentSettings, store: RunStore, clock: SystemClock, orders: Orders, engine: Callable[[LoadPlan], Engine],
        resolve: Callable[[str], tuple[str, ...]] = resolve,
    ) -> None:  # fmt: skip
        self._settings, self._store, self._clock, self._orders, self._engine = settings, store, clock, orders, engine
        self._resolve = resolve

    def live(self) -> int:
        slot, epoch = self._settings.slot, self._settings.epoch
        assignment = self._store.assignment(slot, epoch)
        if assignment is None:
            print(f"worker {slot}: no assignment for epoch {epoch}", file=sys.stderr, flush=True)
            return ExitCode.NO_ASSIGNMENT
        if self._store.summary() is not None:
            print(f"worker {slot}: the run is over", file=sys.stderr, flush=True)
            return ExitCode.RUN_OVER
        holder = f"{socket.gethostname()}:{os.getpid()}"
        if not self._store.take_lease(Lease(slot, epoch, holder, self._clock.now())):
            print(f"worker {slot}: another worker holds epoch {epoch}", file=sys.stderr, flush=True)
            return ExitCode.LEASE_TAKEN
        self._orders.obey_signals()
        self._orders.part = assignment.part
        folder = self._settings.work_dir / self._settings.run_id / f"{slot}-{epoch}"
        window = Window(LabelPolicy.for_thresholds(assignment.plan.thresholds))
        report = Report(self._store, self._clock, assignment, window, patience=self._settings.store_patience)
        report.cores = self._settings.cores
        report.heart.log_stream = self._settings.log_stream
        try:
            return self._run(assignment, folder, report)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            self._tell(assignment.plan, report)

    def _tell(self, plan: LoadPlan, report: Report) -> None:
        if self._settings.tells and report.record is not None:
            for line in report.tally.lines(plan, report.record, self._settings.namespace):
                print(line, flush=True)

    def _run(self, assignment: WorkerAssignment, folder: Path, report: Report) -> int:
        try:
            files = self._fetch_bundle(assignment, folder)
            assignment = self._taken_over(assignment)
            if assignment.elapsed >= assignment.ends:
                raise NothingLeft("The replacement came after the end of the load.")
            self._check_again(assignment)
            run = self._start_engine(assignment, files, folder, report)
        except Exception as error:  # Whatever keeps a worker from starting must reach the user, a bug of ours too.
            is_script = isinstance(error, RequestRejected)
            message = error.message if isinstance(error, PortalError) else f"The worker could not start: {error!r}"
            reason = DoneReason.NOT_STARTED if isinstance(error, NothingLeft) else DoneReason.ENGINE_FAILED
            report.done(End(DoneReason.SCRIPT_ERROR if is_script else reason, message), None)
            if not isinstance(error, (PortalError, OSError)):
                raise
        else:
            run.live()
        return ExitCode.DONE if report.was_written else ExitCode.STORE_FAILED

    def _check_again(self, assignment: WorkerAssignment) -> None:
        """The environment's guard rails, here and now: between the plan and this start a name may have been led elsewhere."""
        plan, now = assignment.plan, datetime.fromtimestamp(self._clock.now(), UTC)
        problems = recheck(plan, plan.guard, now=now, resolve=self._resolve, elapsed=assignment.elapsed)
        if problems:
            raise NotAllowed("The guard rails forbid this start. " + " ".join(str(problem) for problem in problems))

    def _fetch_bundle(self, assignment: WorkerAssignment, folder: Path) -> Mapping[str, bytes]:
        data = self._store.bundle()
        if data is None:
            raise NotFound("The run's bundle is not in the store.")
        found = hashlib.sha256(data).hexdigest()
        if found != assignment.plan.bundle_digest:
            raise NotFound(f"The bundle's digest is {found[:12]}, the plan says {assignment.plan.bundle_digest[:12]}.")
        shutil.rmtree(folder, ignore_errors=True)
        return unpack(data, folder)

    def _taken_over(self, assignment: WorkerAssignment) -> WorkerAssignment:
        """A replacement begins some seconds from now, in the middle of the load; the next slice when its time has come.

        It picks the second itself: its engine must know what is left before it is started, and only here is it known
        that nothing but that start is to come. Every further replacement takes more time.
        """
        t0 = self._orders.start_time() if assignment.epoch > 1 else None
        if t0 is None:
            return assignment
        slot, epoch = assignment.slot, assignment.epoch
        begins = max(self._soonest(assignment, t0), t0 + int(assignment.begins.total_seconds()))
        if not assignment.relieves or timedelta(seconds=begins - t0) < assignment.ends:
            # Told before anything else: who is still at it ends there.
            begins = self._store.take_over(TakeOver(slot, epoch, begins)).begins
        return dataclasses.replace(assignment, elapsed=timedelta(seconds=begins - t0))

    def _soonest(self, assignment: WorkerAssignment, t0: int) -> int:
        """Epochs also grow where workers of a pool relieve each other, which is no try that failed."""
        now, engine = self._clock.now(), assignment.plan.engine
        if assignment.relieves:
            return relief_at(engine, now=now, t0=t0)
        tries = min(max(2, assignment.epoch - assignment.part), 1 + MOST_PER_SLOT)
        return take_over_at(engine, tries, now=now, t0=t0)

    def _start_engine(self, assignment: WorkerAssignment, files: Mapping[str, bytes], folder: Path, report: Report) -> EngineRun:
        engine = self._engine(assignment.plan)
        values = secret_values(assignment.plan.secrets)
        redaction = Redaction(values.values())
        report.hide, read = redaction, hiding(engine.read, redaction)
        rest_port, cores = free_port(), self._settings.cores
        intake: HttpIntake | LinesIntake | PipeIntake
        gate: StartGate
        if engine.intake is Intake.HTTP:
            intake = HttpIntake(read, report.add)
            command = engine.command(assignment, bundle=files, rest_port=rest_port, intake_port=intake.port, cores=cores)
        else:
            command = engine.command(assignment, bundle=files, rest_port=rest_port, intake_port=0, cores=cores)
            intake = _lines_intake(engine, command, folder, read, report)
        gate = RestGate(rest_port) if engine.gate is Gate.REST else FileGate(folder / command.gate, intake)
        command = with_secrets(command, values)
        log = EngineLog(engine.is_script_error, redaction, engine.sentence)
        process = EngineProcess(command, folder, log, self._settings.engine_user)
        ordered = K6Api(rest_port) if engine.gate is Gate.REST else Sections(folder, command)
        once = SetupAndTeardown(assignment, self._store, ordered, self._clock) if command.lingers else None
        return EngineRun(assignment, engine, process, gate, intake, report, self._orders, self._clock, once)


def _lines_intake(engine: Engine, command: EngineCommand, folder: Path, read: Read, report: Report) -> LinesIntake | PipeIntake:
    if engine.intake is Intake.PIPE:
        return PipeIntake(folder / command.lines, read, report.add)
    writers = 1 + len(command.others)
    return LinesIntake(folder / command.lines, read, report.add, engine.is_ready, writers=writers)
