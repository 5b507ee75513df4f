"""The generator's own health: CPU in cores, memory and open files of agent and engine, and how late an event loop is."""

from __future__ import annotations

import resource
from dataclasses import dataclass
from pathlib import Path

import psutil

from portal.core.ports import Clock
from portal.core.protocol import Strain

SHORTEST = 0.2
"""Seconds; below that the CPU used is too coarse to divide by them."""
MOST_STEPS = 240
CGROUP_MEMORY = Path("/sys/fs/cgroup/memory.max")


@dataclass(frozen=True, slots=True)
class Sample:
    cpu_cores: float
    memory_bytes: int
    files: int


class History:
    """A course of values in at most MOST_STEPS equal steps: when it is full, two neighbours become their mean."""

    def __init__(self) -> None:
        self._steps: list[float] = []
        self._open: list[float] = []
        self._width = 1

    def add(self, value: float) -> None:
        self._open.append(value)
        if len(self._open) < self._width:
            return
        self._steps.append(sum(self._open) / self._width)
        self._open.clear()
        if len(self._steps) == MOST_STEPS:
            self._steps = [sum(self._steps[at : at + 2]) / 2 for at in range(0, MOST_STEPS, 2)]
            self._width *= 2

    @property
    def steps(self) -> tuple[float, ...]:
        """Also of what is not a whole step yet, where that is all there is."""
        return tuple(round(value, 3) for value in self._steps or self._open)


class Vitals:
    """Samples two processes; remembers the mean, the peaks and the course since `begin`."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._processes = [psutil.Process()]
        self._used: dict[int, float] = {}
        self._cores = 0.0
        self._begun = self._last_at = clock.now()
        self._begun_cpu = self._last_cpu = self._cpu()
        self.peak_cores, self.peak_memory, self.peak_files = 0.0, 0, 0
        self._history = History()
        self._lags, self._lag_sum, self._peak_lag = 0, 0.0, 0.0

    def watch(self, pid: int) -> None:
        try:
            self._processes.append(psutil.Process(pid))
        except psutil.Error:
            return

    def begin(self) -> None:
        """From here on mean and peaks count: start-up is not load."""
        self._begun = self._last_at = self._clock.now()
        self._begun_cpu = self._last_cpu = self._cpu()
        self.peak_cores = self._cores = 0.0
        self._history = History()

    def sample(self) -> Sample:
        cores = self._spent()
        memory = files = 0
        for process in self._processes:
            try:
                memory += process.memory_info().rss
                own = process.num_fds()
            except psutil.Error:
                continue
            files, self.peak_files = files + own, max(self.peak_files, own)
        self.peak_cores, self.peak_memory = max(self.peak_cores, cores), max(self.peak_memory, memory)
        return Sample(round(cores, 3), memory, files)

    def mean_cores(self) -> float:
        """CPU used since `begin`, in cores; what an ended engine used is known up to the last sample."""
        return max(0.0, self._last_cpu - self._begun_cpu) / max(self._last_at - self._begun, 0.001)

    def note_lag(self, milliseconds: float) -> None:
        """The worst of one second."""
        self._lags, self._lag_sum = self._lags + 1, self._lag_sum + milliseconds
        self._peak_lag = max(self._peak_lag, milliseconds)

    def strain(self, clock_offset_ms: float | None) -> Strain:
        files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]  # Both engines raise their soft limit to the hard one.
        return Strain(
            cpu_history=self._history.steps, memory_limit_bytes=_memory_limit(), peak_files=self.peak_files,
            files_limit=0 if files == resource.RLIM_INFINITY else files, peak_lag_ms=round(self._peak_lag, 1),
            mean_lag_ms=round(self._lag_sum / self._lags, 1) if self._lags else 0.0, clock_offset_ms=clock_offset_ms,
        )  # fmt: skip

    def _spent(self) -> float:
        """Cores since the last sample; the same again when that was only just now, for CPU time comes in steps of 10 ms."""
        now = self._clock.now()
        if now - self._last_at >= SHORTEST:
            cpu = self._cpu()
            self._cores = max(0.0, cpu - self._last_cpu) / (now - self._last_at)
            self._last_at, self._last_cpu = now, cpu
            self._history.add(self._cores)
        return self._cores

    def _cpu(self) -> float:
        """What both have used; of one that has ended, what was last seen."""
        for process in self._processes:
            try:
                used = process.cpu_times()
            except psutil.Error:
                continue
            self._used[process.pid] = used.user + used.system
        return sum(self._used.values())


def _memory_limit() -> int:
    """The container's, where there is one that is less than the machine's."""
    try:
        limit = int(CGROUP_MEMORY.read_text())
    except (OSError, ValueError):  # No such file, or `max`.
        limit = 0
    total = int(psutil.virtual_memory().total)
    return min(limit, total) if limit else total
