"""How well the generators did: a run is worth as much as the machines that made its load.

`LIMITS` is the whole policy: beyond `suspect` a run's data is to be read with care, beyond `invalid` it carries no judgement.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class Trust(StrEnum):
    """What a run's data is worth, whatever it says of the target."""

    VALID = "valid"
    SUSPECT = "suspect"
    """Read it with care: something was at the edge."""
    INVALID = "invalid"
    """It carries no judgement."""


@dataclass(frozen=True, slots=True)
class Limit:
    """None: never."""

    suspect: float
    invalid: float | None = None

    def rate(self, value: float) -> Trust:
        if self.invalid is not None and value > self.invalid:
            return Trust.INVALID
        return Trust.SUSPECT if value > self.suspect else Trust.VALID


LAG = "event_loop_lag_ms"
"""The metric in which Artillery's plugin says how late its event loop is."""
BUSY = 0.9
"""From this part of its cores on, a generator measures its own queue instead of the target."""
LIMITS: Mapping[str, Limit] = MappingProxyType({
    "cpu": Limit(0.8, 0.9),  # Part of its cores, mean over the load.
    "busy_time": Limit(0.1),  # Part of the time in which it used more than BUSY of its cores.
    "memory": Limit(0.85),  # Part of what it may use, at the peak.
    "files": Limit(0.8, 0.98),  # Part of the open files (sockets among them) it may have, at the peak.
    "event_loop_lag_ms": Limit(100.0, 500.0),  # Artillery: the worst of each second, mean over the load. It adds to latencies.
    "start_skew_ms": Limit(1000.0, 5000.0),  # How far from the common start, either way.
    "clock_offset_ms": Limit(1000.0, 5000.0),  # Worker's clock against the controller's, either way.
    "missing": Limit(0.01, 0.05),  # Part of the planned measuring time nobody accounts for.
    "dropped": Limit(0.005, 0.05),  # Part of the iterations that found no free virtual user.
    "shortfall": Limit(0.05, 0.2),  # Part of the asked load (users over time, or arrivals) that was not made.
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class WorkerHealth:
    """0 and None mean unknown. `script_errors` are iterations that threw, `broken_batches` those that could not be read."""

    slot: int
    mean_cpu_cores: float = 0.0
    cores: float = 0.0
    """What it could have used."""
    lost: bool = False
    start_skew_ms: float | None = None
    script_errors: int = 0
    broken_batches: int = 0
    names_folded: int = 0
    peak_cpu_cores: float = 0.0
    cpu_history: tuple[float, ...] = ()
    """Cores used in equal steps of the load, at most 240."""
    peak_memory_bytes: int = 0
    memory_limit_bytes: int = 0
    peak_files: int = 0
    files_limit: int = 0
    mean_lag_ms: float = 0.0
    peak_lag_ms: float = 0.0
    clock_offset_ms: float | None = None
    """Positive: its clock is ahead."""
    missing_seconds: int = 0

    @property
    def busy(self) -> float:
        """The part of its cores it used on average."""
        return _part(self.mean_cpu_cores, self.cores)

    @property
    def busy_time(self) -> float:
        """The part of the time in which it had next to nothing to spare."""
        return _part(sum(1 for cores in self.cpu_history if _part(cores, self.cores) > BUSY), len(self.cpu_history))

    @property
    def memory(self) -> float:
        return _part(self.peak_memory_bytes, self.memory_limit_bytes)

    @property
    def files(self) -> float:
        return _part(self.peak_files, self.files_limit)


def _part(value: float, whole: float) -> float:
    return value / whole if whole > 0 else 0.0
