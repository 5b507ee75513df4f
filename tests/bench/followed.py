"""A run as somebody sees it who asks the API once a second, and how its result compares with what its workers say."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any  # Any: JSON answers

from tests.bench.stage import Stage


@dataclass(slots=True)
class Followed:
    """`asked` is when it was started, `planned` the seconds of its load; times are unix seconds."""

    run_id: str
    asked: float
    planned: int
    t0: float | None = None
    ended: float | None = None
    behind: list[float] = field(default_factory=list)
    """Under load: seconds that are over and not merged yet."""

    def look(self, on: Stage) -> None:
        status, now = on.status(self.run_id), time.time()
        if status["started"]:
            self.t0 = datetime.fromisoformat(status["started"]).timestamp()
            merged = (status["progress"] or {}).get("second", 0)
            if self.t0 < now < self.t0 + self.planned:
                self.behind.append(now - self.t0 - merged)
        if status["state"] == "ended":
            self.ended = now

    @property
    def has_begun(self) -> bool:
        return self.ended is not None or (self.t0 is not None and time.time() > self.t0)

    @property
    def load_is_over(self) -> bool:
        return self.ended is not None or (self.t0 is not None and time.time() > self.t0 + self.planned)

    @property
    def start_seconds(self) -> float:
        return (self.t0 or self.ended or 0.0) - self.asked

    @property
    def finish_seconds(self) -> float:
        return (self.ended or 0.0) - (self.t0 or 0.0) - self.planned


def follow(on: Stage, runs: Sequence[Followed], until: float, is_so: Callable[[], bool]) -> None:
    """Looks at all runs each second until it is so."""
    while not is_so():
        if time.time() > until:
            raise RuntimeError(f"It takes too long: {[on.status(run.run_id) for run in runs[:1]]} {on.portal.log()}")
        for run in runs:
            if run.ended is None:
                run.look(on)
        time.sleep(1)


def second_errors(result: dict[str, Any], told: Sequence[dict[str, Any]]) -> float:
    """The requests by which the timeline's steps differ from what the workers reported for their seconds, all added up."""
    t0 = datetime.fromisoformat(result["started"]).timestamp()
    points = result["timeline"]
    step = points[1]["second"] - points[0]["second"] if len(points) > 1 else 1
    wrong = 0.0
    for point in points:
        begin = t0 + point["second"]
        reported = sum(_overlap(one, begin, begin + step) * one["requests"] / (one["until"] - one["first"])
                       for one in told if one["until"] > one["first"])  # fmt: skip
        wrong += abs((point["requests"] or 0.0) - round(reported))
    return wrong


def _overlap(one: dict[str, Any], begin: float, end: float) -> float:
    return max(0.0, min(one["until"], end) - max(one["first"], begin))
