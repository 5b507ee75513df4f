from __future__ import annotations

from datetime import timedelta
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.core.errors import WireInvalid
from portal.core.load import ClosedLoad, Load, OpenLoad, ScriptLoad, Stage
from portal.core.plan import LoadPlan
from portal.core.protocol import Beat, Done, DoneReason, Stop, WorkerPhase
from portal.core.run_state import EndReason
from portal.core.split import WorkerAssignment, split
from portal.core.thresholds import parse_thresholds
from portal.core.wire import from_json, from_plain, to_json, to_plain
from tests.core.plans import MINUTE, plan

LOADS: list[Load] = [
    ClosedLoad.constant(5, MINUTE), OpenLoad.constant(Fraction(7, 3), timedelta(milliseconds=1500), 9),
    OpenLoad(Fraction(0), (Stage(timedelta(seconds=1, microseconds=7), Fraction(1, 60)),)), ScriptLoad(None, None, None),
    ScriptLoad(timedelta(hours=30), 5, 5),
]  # fmt: skip
RULES = parse_thresholds({"m{a:b}": {"threshold": "p(95)<3", "abortOnFail": True, "delayAbortEval": "1m30s"}}, source="script")


@pytest.mark.parametrize("load", LOADS, ids=lambda load: type(load).__name__)
def test_plans_and_assignments_survive_the_wire(load: Load) -> None:
    whole = plan(load=load, thresholds=RULES, flush_every=timedelta(seconds=2.5))
    assert from_json(LoadPlan, to_json(whole)) == whole
    assert from_plain(LoadPlan, to_plain(whole)) == whole
    for assignment in split(whole):
        assert from_json(WorkerAssignment, to_json(assignment)) == assignment


@pytest.mark.parametrize(
    "message",
    [Stop(EndReason.BUDGET_ABORT, 5.5, hard=True), Beat(1, 2, 3.5, WorkerPhase.RUNNING, cpu_cores=0.25),
     Done(1, 2, 3.5, DoneReason.COMPLETED, None, log_tail=("a", "ä"), digests=("d",), started_at=1.25)],
    ids=lambda message: type(message).__name__,
)  # fmt: skip
def test_messages_survive_the_wire(message: object) -> None:
    assert from_json(type(message), to_json(message)) == message


def test_a_newer_schema_is_refused_with_a_sentence() -> None:
    with pytest.raises(WireInvalid, match="written in schema 2; this version reads schema 1"):
        from_json(Stop, b'{"schema":2,"value":{}}')


@settings(max_examples=80, deadline=None)
@given(
    st.binary(max_size=60)
    | st.sampled_from([b"[]", b'{"schema":1}', b'{"schema":1,"value":7}', b'{"schema":1,"value":{"load":"1/0"}}'])
)
def test_foreign_bytes_are_refused(data: bytes) -> None:
    for kind in (Stop, LoadPlan):
        with pytest.raises(WireInvalid):
            from_json(kind, data)


@pytest.mark.parametrize("spelled", ["1/0", "x", "", "1/2/3"])
def test_a_fraction_that_is_none_is_refused(spelled: str) -> None:
    with pytest.raises(WireInvalid):
        from_plain(Stage, {"duration": "PT1S", "target": spelled})
