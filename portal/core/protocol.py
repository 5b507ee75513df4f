"""What controller and workers leave for each other in the run store. Times are unix seconds by the writer's clock.

Down: Start, Stop, Pulse. Up: Ready, Beat, Done (and snapshots). A slot's epoch grows when a replacement takes over.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from portal.core.run_state import EndReason


@dataclass(frozen=True, slots=True)
class Start:
    """Written once. `t0` is a whole second, so that the engines' own one-second intervals line up with it."""

    t0: int
    at: float = 0.0
    """When it was written, by the controller's clock."""


@dataclass(frozen=True, slots=True)
class Stop:
    """`hard`: kill the engine now instead of letting it finish its teardown."""

    reason: EndReason
    at: float
    hard: bool = False
    message: str = ""


@dataclass(frozen=True, slots=True)
class Pulse:
    """The controller is alive; a worker that sees none for `LoadPlan.pulse_older_than` stops."""

    at: float


@dataclass(frozen=True, slots=True)
class Lease:
    """Who works on a slot in this epoch; the first writer wins."""

    slot: int
    epoch: int
    holder: str
    at: float


NEVER = 1 << 40
"""A second nobody will see."""


@dataclass(frozen=True, slots=True)
class TakeOver:
    """From the unix second `begins` on a replacement makes the slot's load; the one before it ends there. Written once:
    by the replacement, or by the controller that calls it off, with NEVER."""

    slot: int
    epoch: int
    begins: int


@dataclass(frozen=True, slots=True)
class Ready:
    slot: int
    epoch: int
    at: float
    engine_version: str = ""


class WorkerPhase(StrEnum):
    STARTING = "starting"
    READY = "ready"
    RUNNING = "running"
    LEAVING = "leaving"
    """Its platform takes it away: it makes load until another takes its slot over."""
    DRAINING = "draining"


@dataclass(frozen=True, slots=True)
class Beat:
    """A worker's sign of life with the generator's own health: CPU in cores, memory in bytes, of agent and engine."""

    slot: int
    epoch: int
    at: float
    phase: WorkerPhase
    cpu_cores: float = 0.0
    memory_bytes: int = 0
    sockets: int = 0
    snapshots: int = 0
    pieces: int = 0
    """Of the engine's log that are in the store."""
    log: str = ""
    """The stream of its platform's logs, where only the worker knows it."""


class DoneReason(StrEnum):
    """Why a worker ended, as it saw it itself."""

    COMPLETED = "completed"
    STOPPED = "stopped"
    TERMINATED = "terminated"
    DEADLINE = "deadline"
    NOT_STARTED = "not_started"
    CONTROLLER_LOST = "controller_lost"
    SCRIPT_ERROR = "script_error"
    ENGINE_FAILED = "engine_failed"
    STORE_FAILED = "store_failed"
    SUPERSEDED = "superseded"
    """Its slot was given to another worker while it was away."""
    RELIEVED = "relieved"
    """Another worker of the pool went on with its slot, as asked."""


@dataclass(frozen=True, slots=True)
class Strain:
    """What the load was to the generator besides its CPU; 0 and None: unknown."""

    cpu_history: tuple[float, ...] = ()
    """Cores used, in equal steps from the start to the end; at most 240."""
    memory_limit_bytes: int = 0
    peak_files: int = 0
    """Open files, sockets among them, of the process that had most."""
    files_limit: int = 0
    mean_lag_ms: float = 0.0
    """Artillery: how late its event loop came to its work at worst in a second; the mean over all seconds, and the worst."""
    peak_lag_ms: float = 0.0
    cores: float = 0.0
    """What it may use; 0: it does not say. Workers of one machine share them."""
    clock_offset_ms: float | None = None
    """Own clock minus the controller's, up to a quarter of a second too much."""


@dataclass(frozen=True, slots=True)
class Done:
    """A worker's last word. `last_second` is the first unix second it no longer covers; `message` is for people."""

    slot: int
    epoch: int
    at: float
    reason: DoneReason
    exit_code: int | None
    message: str = ""
    log_tail: tuple[str, ...] = ()
    script_errors: int = 0
    """Iterations (k6) or users (Artillery) that threw."""
    snapshots: int = 0
    digests: tuple[str, ...] = field(default=())
    """sha256 of the newest snapshot objects, a hundred at most, in order of seq."""
    started_at: float | None = None
    """When the engine was really released; minus `Start.t0` it is the start skew."""
    first_second: int | None = None
    last_second: int | None = None
    broken_batches: int = 0
    """Batches from the engine that could not be read (counted, never guessed)."""
    mean_cpu_cores: float = 0.0
    peak_cpu_cores: float = 0.0
    peak_memory_bytes: int = 0
    processes: int = 1
    """Of the engine: Artillery starts one per core."""
    names_folded: int = 0
    """Request names beyond the first 500, which were counted together as `__other__`."""
    strain: Strain = field(default_factory=Strain)
    pieces: int = 0
    """Of the engine's log that are in the store."""
