"""What a caller asks for, read from plain data (API body, CLI arguments, admin form) by one set of rules.

Every problem is found and reported at once, each with its field and a hint. Nothing here looks anything up.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from portal.core import duration as durations
from portal.core import fields
from portal.core.duration import parse_duration
from portal.core.errors import Problem
from portal.core.fields import MOST_VUS, MOST_WORKERS, FieldError, check_target, parse_rate
from portal.core.load import ClosedLoad, Load, OpenLoad, Stage
from portal.core.loss import OnWorkerLoss
from portal.core.reader import Reader
from portal.core.thresholds import Threshold, parse_thresholds

__all__ = ["LoadTestRequest", "check_target", "parse_rate", "parse_request"]

FIELDS = ("scenario", "version", "environment", "vus", "duration", "stages", "rate", "max_vus", "workers", "targets",
          "parameters", "thresholds", "fail_on_regression", "on_worker_loss", "sliced", "elastic", "tags", "note")  # fmt: skip


@dataclass(frozen=True, slots=True)
class LoadTestRequest:
    """`load` None means as scripted, `workers` None as many as the load needs. Loads are totals over all workers."""

    scenario: str
    environment: str
    backend: str
    version: int | None = None
    load: Load | None = None
    workers: int | None = None
    targets: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)
    thresholds: tuple[Threshold, ...] = ()
    fail_on_regression: bool = False
    on_worker_loss: OnWorkerLoss = OnWorkerLoss.CONTINUE
    sliced: bool = False
    """Whether a load that is too long for one worker of the backend may be made by several that follow each other."""
    elastic: bool = False
    """Whether its slots are made by a pool of workers, and move to those that join it."""
    tags: Mapping[str, str] = field(default_factory=dict)
    note: str = ""
    idempotency_key: str = ""


def parse_request(data: Mapping[str, object], *, backend: str, idempotency_key: str = "") -> LoadTestRequest:
    """Raises RequestRejected with every problem found in `data`."""
    reader = Reader(data, FIELDS)
    request = LoadTestRequest(
        scenario=reader.read("scenario", fields.name, ""), environment=reader.read("environment", fields.name, ""),
        backend=backend, version=reader.read("version", fields.whole(1_000_000), None), load=_load(reader),
        workers=reader.read("workers", fields.whole(MOST_WORKERS), None), targets=reader.read("targets", fields.targets, {}),
        parameters=reader.read("parameters", fields.parameters, {}), thresholds=reader.read("thresholds", _thresholds, ()),
        fail_on_regression=reader.read("fail_on_regression", fields.flag, False),
        on_worker_loss=reader.read("on_worker_loss", _policy, OnWorkerLoss.CONTINUE),
        sliced=reader.read("sliced", fields.flag, False), elastic=reader.read("elastic", fields.flag, False),
        tags=reader.read("tags", fields.tags, {}), note=reader.read("note", fields.text, ""),
        idempotency_key=idempotency_key,
    )  # fmt: skip
    for name in ("scenario", "environment"):
        if not reader.has(name):
            reader.problems.append(Problem(name, f"Name the {name}.", f"`manage.py loadtest templates` lists {name}s."))
    reader.check()
    return request


def _load(reader: Reader) -> Load | None:
    """One of vus + duration, stages, rate + duration; None where nothing is asked."""
    vus = reader.read("vus", fields.whole(MOST_VUS), None)
    length = reader.read("duration", parse_duration, None)
    rate = reader.read("rate", parse_rate, None)
    limit = reader.read("max_vus", fields.whole(MOST_VUS), None)
    stages = reader.read("stages", fields.stages, None)
    if reader.has("stages"):
        for other in ("vus", "rate", "duration"):
            if reader.has(other):
                reader.problems.append(Problem(other, f"Stages already say the load; leave {other} out.",
                                               "Use either stages, vus with duration, or rate with duration."))  # fmt: skip
        return None if stages is None else _staged(stages, limit)
    if reader.has("vus") and reader.has("rate"):
        reader.problems.append(Problem("rate", "Give either vus (users that loop) or rate (arrivals per second), not both.",
                                       "max_vus bounds the users of a rate."))  # fmt: skip
        return None
    for first in ("vus", "rate"):
        if reader.has(first) and not reader.has("duration"):
            reader.problems.append(Problem("duration", f"With {first}, say how long.", durations.HINT))
    if reader.has("duration") and not reader.has("vus") and not reader.has("rate"):
        reader.problems.append(Problem("vus", "A duration needs vus or rate beside it.",
                                       "Leave all three out to run the script's own load."))  # fmt: skip
    if vus is not None and length is not None:
        return ClosedLoad.constant(vus, length)
    if rate is not None and length is not None:
        return OpenLoad.constant(rate, length, limit)
    return None


def _staged(stages: tuple[tuple[Stage, bool], ...], limit: int | None) -> Load:
    plain = tuple(stage for stage, _ in stages)
    return OpenLoad(Fraction(0), plain, limit) if stages[0][1] else ClosedLoad(Fraction(0), plain)


def _policy(value: object) -> OnWorkerLoss:
    if value not in tuple(OnWorkerLoss):
        raise FieldError(
            f"{fields.shown(value)} is not something to do about a lost worker.", "Write continue, replace or abort."
        )
    return OnWorkerLoss(str(value))


def _thresholds(value: object) -> tuple[Threshold, ...]:
    return parse_thresholds(value, source="request")
