"""What is taken from a run under load, and whether what is missing of it afterwards is what was told."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any  # Any: the fields of a request

import pytest

from portal.models import Run
from tests.infra.emulator.conftest import Client

HOLE = re.compile(r"Worker (\d+) was lost at (\d+):(\d\d)(?: and replaced at \d+:\d\d)?; (\d+) s of its load are missing")
EDGE_SECONDS = 2
"""What a worker and its replacement may leave between them without a word; see `loss.SHORTEST_HOLE`."""
UNDER_WAY = 2
"""Requests that a worker may have under way when it stops for its replacement: the target answers, and nobody measures it."""
LEAST_COVERAGE = 0.95


@dataclass
class Interruption:
    """`tell` is called for so many working spot instances at the same moment, some seconds into the load."""

    aws: Client
    count: int
    tell: Callable[[str], object]
    after_seconds: float = 8.0
    taken: list[str] = field(default_factory=list)

    def __call__(self, run: Run) -> None:
        if self.taken or run.started is None or time.time() - run.started.timestamp() < self.after_seconds:
            return
        self.taken += sorted(self._on_spot() & places(run, epoch=1))[: self.count]
        with ThreadPoolExecutor(self.count) as callers:
            tuple(callers.map(self.tell, self.taken))

    def _on_spot(self) -> set[str]:
        machines = self.aws("ec2").describe_instances()["Reservations"]
        return {i["InstanceId"] for one in machines for i in one["Instances"] if i.get("InstanceLifecycle") == "spot"}


def places(run: Run, epoch: int) -> set[str]:
    return {place.partition(" in ")[0] for place in run.worker_rows.filter(epoch=epoch).values_list("place", flat=True)}


@dataclass(frozen=True)
class Steady:
    """A load of the same rate all the time, one request an arrival."""

    rate: int
    seconds: int
    workers: int

    def asked_for(self, **fields: Any) -> dict[str, Any]:
        """As a request says it, of a run that replaces the lost."""
        return {"workers": self.workers, "vus": None, "rate": self.rate, "max_vus": 40, "duration": f"{self.seconds}s",
                "on_worker_loss": "replace", **fields}  # fmt: skip

    @property
    def planned(self) -> int:
        return self.rate * self.seconds

    @property
    def share(self) -> float:
        """Of one worker, per second."""
        return self.rate / self.workers


@dataclass(frozen=True)
class Hole:
    """Seconds after the start in which nobody made a slot's load."""

    slot: int
    start: int
    end: int


def holes(notes: Iterable[str]) -> tuple[Hole, ...]:
    """As a result tells them."""
    found = (HOLE.match(note) for note in notes)
    told = ([int(word) for word in match.groups()] for match in found if match)
    return tuple(Hole(slot, 60 * minute + second, 60 * minute + second + length) for slot, minute, second, length in told)


def assert_accounted(run: Run, load: Steady, asked: int, *, losses: int, unsaid_seconds: int = 0) -> None:
    """The target was asked `asked` times: never more than planned, and as much less as the holes say, second by second.

    `unsaid_seconds`: what workers that died in the middle had made and could not tell any more.
    """
    summary, found = run.result.summary, holes(run.result.verdict["notes"])
    missing = sum(hole.end - hole.start for hole in found)
    slack = 0.01 * load.planned + EDGE_SECONDS * load.share * losses
    print(f"planned {load.planned}, asked {asked}, measured {summary['requests']}, coverage {summary['coverage']}, holes {found}")
    for row in run.worker_rows.order_by("slot", "epoch"):
        print(f"  slot {row.slot} epoch {row.epoch} on {row.place}: {row.state}, {row.message}")
    cut_off = losses * (UNDER_WAY + unsaid_seconds * load.share)
    assert summary["requests"] <= asked <= summary["requests"] + cut_off
    assert asked <= load.planned + load.workers, "doubled"
    assert abs(load.planned - missing * load.share - summary["requests"]) <= slack
    planned_seconds = load.workers * load.seconds
    assert summary["coverage"] == pytest.approx(1 - missing / planned_seconds, abs=EDGE_SECONDS * losses / planned_seconds)
    assert run.verdict == ("passed" if summary["coverage"] >= LEAST_COVERAGE else "inconclusive"), run.result.verdict
    if found:
        _assert_by_second(run, load, found, slack)


def _assert_by_second(run: Run, load: Steady, found: tuple[Hole, ...], slack: float) -> None:
    made = {point["second"]: point["requests"] or 0 for point in run.result.timeline if point["second"] < load.seconds}
    thin = range(min(hole.start for hole in found), max(hole.end for hole in found))
    missing = sum(hole.end - hole.start for hole in found)
    assert abs(sum(made[second] for second in thin) - (load.rate * len(thin) - load.share * missing)) <= slack
    rest = made.keys() - set(thin)
    assert abs(sum(made[second] for second in rest) - load.rate * len(rest)) <= slack
