"""The generator's own health: CPU in cores, memory and open files of agent and engine together."""

from __future__ import annotations

from dataclasses import dataclass

import psutil

from portal.core.ports import Clock

SHORTEST = 0.2
"""Seconds; below that the CPU used is too coarse to divide by them."""


@dataclass(frozen=True, slots=True)
class Sample:
    cpu_cores: float
    memory_bytes: int
    files: int


class Vitals:
    """Samples two processes; remembers the mean and the peaks since `begin`."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._processes = [psutil.Process()]
        self._used: dict[int, float] = {}
        self._cores = 0.0
        self._begun = self._last_at = clock.now()
        self._begun_cpu = self._last_cpu = self._cpu()
        self.peak_cores, self.peak_memory = 0.0, 0

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

    def sample(self) -> Sample:
        cores = self._spent()
        memory = files = 0
        for process in self._processes:
            try:
                memory += process.memory_info().rss
                files += process.num_fds()
            except psutil.Error:
                continue
        self.peak_cores, self.peak_memory = max(self.peak_cores, cores), max(self.peak_memory, memory)
        return Sample(round(cores, 3), memory, files)

    def mean_cores(self) -> float:
        """CPU used since `begin`, in cores; what an ended engine used is known up to the last sample."""
        return max(0.0, self._last_cpu - self._begun_cpu) / max(self._last_at - self._begun, 0.001)

    def _spent(self) -> float:
        """Cores since the last sample; the same again when that was only just now, for CPU time comes in steps of 10 ms."""
        now = self._clock.now()
        if now - self._last_at >= SHORTEST:
            cpu = self._cpu()
            self._cores = max(0.0, cpu - self._last_cpu) / (now - self._last_at)
            self._last_at, self._last_cpu = now, cpu
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
