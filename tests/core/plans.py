"""Plans and requests for tests."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any  # Any: the fields of a plan, passed through by name.

from portal.core.load import ClosedLoad, ScriptLoad
from portal.core.plan import LoadPlan
from portal.core.request import LoadTestRequest, parse_request
from portal.core.script import ScriptFacts

MINUTE = timedelta(minutes=1)
FACTS = ScriptFacts(ScriptLoad(MINUTE, peak_vus=20, most_workers=20))


def plan(**changes: Any) -> LoadPlan:
    usual = LoadPlan(
        run_id="run1", scenario="shop", version=3, engine="k6", script="shop.js", script_digest="a", bundle_digest="b",
        backend="local", environment="demo", load=ClosedLoad.constant(10, MINUTE), duration=MINUTE,
        drain=timedelta(seconds=30), workers=3, targets={"catalog": "http://127.0.0.1:18101"}, parameters={"SIZE": "3"},
        thresholds=(),
    )  # fmt: skip
    return replace(usual, **changes)


def asked(*, backend: str = "local", **data: object) -> LoadTestRequest:
    return parse_request({"scenario": "shop", "environment": "demo", **data}, backend=backend)
