"""Plans for engine tests with the fields that matter as arguments."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from portal.core.load import Load
from portal.core.plan import LoadPlan
from portal.core.split import Segment, WorkerAssignment


def assignment(
    engine: str, script: str, load: Load, *, index: int = 0, count: int = 1, targets: Mapping[str, str] | None = None,
    parameters: Mapping[str, str] | None = None,
) -> WorkerAssignment:  # fmt: skip
    plan = LoadPlan(
        run_id="run-1", scenario="s", version=1, engine=engine, script=script, script_digest="", bundle_digest="",
        backend="local", environment="here", load=load, duration=timedelta(seconds=2), drain=timedelta(seconds=30), workers=count,
        targets=targets or {}, parameters=parameters or {}, thresholds=(),
    )  # fmt: skip
    return WorkerAssignment(plan, Segment(index, count))
