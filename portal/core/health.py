"""How well the generators did: a run is worth as much as the machines that made its load."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Trust(StrEnum):
    """What a run's data is worth, whatever it says of the target."""

    VALID = "valid"
    SUSPECT = "suspect"
    """Read it with care: something was at the edge."""
    INVALID = "invalid"
    """It carries no judgement."""


BUSY = 0.9
"""From this part of its cores on, a generator measures its own queue instead of the target."""


@dataclass(frozen=True, slots=True)
class WorkerHealth:
    """`cores` 0: unknown. `script_errors` are iterations that threw, `broken_batches` those that could not be read."""

    slot: int
    mean_cpu_cores: float = 0.0
    cores: float = 0.0
    lost: bool = False
    start_skew_ms: float | None = None
    script_errors: int = 0
    broken_batches: int = 0
    names_folded: int = 0

    @property
    def busy(self) -> float:
        """The part of its cores it used on average."""
        return self.mean_cpu_cores / self.cores if self.cores > 0 else 0.0

    @property
    def was_bottleneck(self) -> bool:
        return self.busy >= BUSY
