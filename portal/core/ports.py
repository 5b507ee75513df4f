"""The interfaces through which the pure parts are used and use the world; chosen once in `portal.wiring`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from portal.core.load import Load
from portal.core.plan import LoadPlan
from portal.core.protocol import DoneReason
from portal.core.script import ScriptFacts, ScriptSource
from portal.core.sizing import Limits
from portal.core.snapshot import Point
from portal.core.split import WorkerAssignment


class ObjectStore(Protocol):
    """Named bytes. Keys are relative paths (`runs/x/plan.json`). Raises StoreUnavailable or StoreFull, never OSError."""

    def put(self, key: str, data: bytes) -> None:
        """Writes or replaces, atomically: a reader sees the old bytes or the new ones."""

    def put_new(self, key: str, data: bytes) -> bool:
        """Writes only if there is no such key; exactly one of several concurrent callers gets True."""

    def get(self, key: str) -> bytes | None:
        """None when there is no such key."""

    def list(self, prefix: str) -> tuple[str, ...]:
        """All keys that begin with `prefix`, sorted."""

    def delete(self, prefix: str) -> None:
        """Removes all keys that begin with `prefix`; none is fine."""


class Clock(Protocol):
    def now(self) -> float:
        """Unix seconds."""

    def sleep(self, seconds: float) -> None: ...


@dataclass(frozen=True, slots=True)
class Finished:
    """A command that has ended in the sandbox, with the files it was asked to hand back."""

    exit_code: int
    stdout: str
    stderr: str
    files: Mapping[str, bytes] = field(default_factory=dict)


class Sandbox(Protocol):
    """Runs a short command over given files in an empty folder with a scrubbed environment and bounded time."""

    def run(
        self, argv: tuple[str, ...], *, files: Mapping[str, bytes], environment: Mapping[str, str], seconds: float,
        keep: tuple[str, ...] = (),
    ) -> Finished:  # fmt: skip
        """Raises EngineMissing when the program is not there, ScriptInvalid when it does not end in time."""


@dataclass(frozen=True, slots=True)
class EngineTools:
    """Where the engines are. Empty: not installed; the adapter says so when it is needed."""

    k6: str = ""
    node: str = ""
    artillery: str = ""
    plugins: str = ""
    """Folder that holds our Artillery plugin."""
    k6_version: tuple[int, int] = (1, 1)
    """Some flags are spelled differently from 2.0 on; whoever starts k6 asks it first."""
    k6_measure: str = "cloud"
    """How k6 reports: `cloud` (it aggregates itself) or `csv` (every sample; KNOPFDRUCK_K6_MEASURE)."""
    memory: int = 0
    """Bytes one worker's engine may grow to without being a burden to others; 0: not known."""


@dataclass(frozen=True, slots=True)
class EngineCommand:
    """How to start the engine in the folder where the bundle was unpacked; `files` are written there first."""

    argv: tuple[str, ...]
    environment: Mapping[str, str]
    files: Mapping[str, bytes] = field(default_factory=dict)
    lines: str = ""
    """With Intake.LINES: the agent follows every file whose name begins with this and a dot."""
    gate: str = ""
    """With Gate.FILE: the file that opens the gate when it appears with the start time in unix seconds."""
    lingers: bool = False
    """setup() and teardown() wait for orders, and the engine stays until it is let go: over its API with Gate.REST, by files
    whose names begin with `once` and the process's number with Gate.FILE."""
    once: str = ""
    others: tuple[EngineCommand, ...] = ()
    """Further processes of the same worker, for an engine that uses one core: each does its part of the worker's part."""


class Gate(StrEnum):
    """How an engine is held until the common start."""

    REST = "rest"
    """k6's own API on loopback: wait for status 4, PATCH paused:false."""
    FILE = "file"
    """Our plugin says ready in its output and waits for a file with the start time."""


class Intake(StrEnum):
    """How the engine's numbers reach the agent."""

    HTTP = "http"
    """The engine posts batches to a loopback port of the agent."""
    LINES = "lines"
    """The plugin appends lines to files the agent follows."""
    PIPE = "pipe"
    """The engine writes lines into a named pipe (EngineCommand.lines) that the agent makes and reads."""


@dataclass(frozen=True, slots=True)
class Ending:
    """What an engine's end means: the reason, and the engine's own words for people."""

    reason: DoneReason
    message: str = ""


class Engine(Protocol):
    """How to call a load generator and read what it prints. No process, no clock."""

    name: str
    gate: Gate
    intake: Intake

    def inspect(self, script: ScriptSource, load: Load | None, environment: Mapping[str, str], sandbox: Sandbox) -> ScriptFacts:
        """What the script will do under `load` (None: its own). Raises ScriptInvalid with the engine's own message."""

    def bundle(
        self, script: ScriptSource, load: Load | None, environment: Mapping[str, str], sandbox: Sandbox
    ) -> Mapping[str, bytes]:
        """The files a worker needs, complete: nothing is fetched at run time."""

    def command(
        self, assignment: WorkerAssignment, *, bundle: Mapping[str, bytes], rest_port: int, intake_port: int, cores: int
    ) -> EngineCommand:
        """The paused engine for this worker's segment; `bundle` is what the engine's own bundle() gave."""

    def read(self, batch: bytes) -> Iterable[Point]:
        """The numbers in one posted batch or one line; raises EngineOutputBroken."""

    def is_ready(self, line: bytes) -> bool:
        """Whether the engine says with this line that it waits for the gate file (never, with Gate.REST)."""

    def is_script_error(self, line: str) -> bool:
        """Whether a line of the engine's log says that the user's script threw."""

    def sentence(self, line: str) -> str:
        """What such a line says, for people: without time, level and folders."""

    def ending(self, exit_code: int, log: tuple[str, ...]) -> Ending:
        """What an exit nobody asked for means."""


@dataclass(frozen=True, slots=True)
class WorkerHandle:
    """A started worker, as its backend names it (pid and start time, request id, task ARN, instance id)."""

    slot: int
    epoch: int
    reference: str


class WorkerStatus(StrEnum):
    ALIVE = "alive"
    GONE = "gone"
    UNKNOWN = "unknown"
    LEAVING = "leaving"
    """Alive, but its platform said that it will be taken away within minutes."""


class Backend(Protocol):
    """A place where workers run. All three calls may be repeated."""

    name: str
    limits: Limits

    def launch(self, plan: LoadPlan, slots: tuple[int, ...], epoch: int) -> tuple[WorkerHandle, ...]:
        """Starts one worker per slot; raises LaunchFailed. A second launch of a slot loses the lease and exits."""

    def poll(self, handles: tuple[WorkerHandle, ...]) -> Mapping[int, WorkerStatus]:
        """Status by slot."""

    def stop(self, handles: tuple[WorkerHandle, ...], *, hard: bool) -> None:
        """Asks (or, hard, forces) workers to end; those already gone are fine."""

    def release(self, run_id: str) -> None:
        """The run is over, and what was kept for its workers is free for others."""
