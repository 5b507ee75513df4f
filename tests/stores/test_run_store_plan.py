"""What stands in the store before a run starts: plan, bundle, assignments and leases."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from fractions import Fraction

import pytest

from portal.core.load import ClosedLoad, Load, OpenLoad, ScriptLoad
from portal.core.plan import LoadPlan
from portal.core.protocol import Lease
from portal.core.split import split
from portal.stores.run_store import RunStore

TEN = timedelta(seconds=10)


def a_plan(load: Load | None = None, workers: int = 3) -> LoadPlan:
    return LoadPlan(
        run_id="r1", scenario="s", version=1, engine="k6", script="a.js", script_digest="d", bundle_digest="b", backend="local",
        environment="e", load=load or ClosedLoad.constant(6, TEN), duration=TEN, drain=TEN, workers=workers,
        targets={"shop": "http://127.0.0.1:1"}, parameters={"GREETING": "Grüße 🎈"}, thresholds=(),
    )  # fmt: skip


@pytest.mark.parametrize(
    "load",
    [ClosedLoad.constant(6, TEN), OpenLoad.constant(Fraction(1, 3), TEN), OpenLoad.constant(Fraction(5), TEN, 7),
     ScriptLoad(None, None, 4), ScriptLoad(TEN, 3, None)],
)  # fmt: skip
def test_plan_and_assignments_come_back_as_they_were(run: RunStore, load: Load) -> None:
    plan = a_plan(load)
    run.save_plan(plan)
    run.save_plan(plan)
    assert run.plan() == plan
    for assignment in split(plan):
        run.assign(assignment)
        run.assign(replace(assignment, epoch=2))
        assert run.assignment(assignment.slot, 1) == assignment
        assert run.assignment(assignment.slot, 2) == replace(assignment, epoch=2)


def test_the_bundle_is_known_by_its_sha256(run: RunStore) -> None:
    bundle = b"tar" * 1000
    assert run.save_bundle(bundle) == hashlib.sha256(bundle).hexdigest()
    assert run.bundle() == bundle


def test_what_is_not_there_is_none(run: RunStore) -> None:
    readers: tuple[Callable[[], object], ...] = (
        run.plan, run.bundle, run.started, run.stop_asked, run.last_pulse, run.summary, run.setup,
        lambda: run.assignment(0, 1), lambda: run.lease(0, 1), lambda: run.snapshot(0, 1, 0),
        
    )  # fmt: skip
    assert [reader() for reader in readers] == [None] * len(readers)
    assert (run.beats(), run.dones(), run.snapshot_keys(), run.series_keys(1), run.raw_keys()) == ({}, {}, (), (), ())
    assert run.ready_slots({0: 1}) == frozenset()


def test_one_holder_gets_the_lease_and_may_ask_again(run: RunStore) -> None:
    mine, yours = Lease(0, 1, "mine", 1.0), Lease(0, 1, "yours", 1.0)
    assert run.take_lease(mine)
    assert run.take_lease(mine)
    assert not run.take_lease(yours)
    assert run.lease(0, 1) == mine


def test_a_redelivered_start_with_the_same_holder_name_loses(run: RunStore) -> None:
    """Lambda delivers one event twice under the same request id; the time tells the two apart."""
    assert run.take_lease(Lease(0, 1, "request-7", 1.0))
    assert not run.take_lease(Lease(0, 1, "request-7", 61.0))


def test_leases_of_other_slots_and_epochs_are_free(run: RunStore) -> None:
    assert all(run.take_lease(Lease(slot, epoch, "me", 1.0)) for slot in range(3) for epoch in (1, 2))


def test_exactly_one_of_20_workers_takes_the_lease(run: RunStore) -> None:
    gate, winners = threading.Barrier(20), []

    def compete(number: int) -> None:
        gate.wait()
        if run.take_lease(Lease(0, 1, f"worker {number}", 1.0)):
            winners.append(f"worker {number}")

    threads = [threading.Thread(target=compete, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lease = run.lease(0, 1)
    assert lease is not None
    assert winners == [lease.holder]
