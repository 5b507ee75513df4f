"""One run's part of a store: written once or again, read back typed, over every kind of store."""

from __future__ import annotations

import hashlib
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from fractions import Fraction

import pytest

from portal.core.errors import WireInvalid
from portal.core.load import ClosedLoad, Load, OpenLoad, ScriptLoad
from portal.core.plan import LoadPlan
from portal.core.ports import ObjectStore
from portal.core.protocol import Beat, Done, DoneReason, Lease, Pulse, Ready, Start, Stop, WorkerPhase
from portal.core.run_state import EndReason
from portal.core.split import split
from portal.stores import layout
from portal.stores.memory import MemoryStore
from portal.stores.run_store import RunStore
from tests.stores.variants import VARIANTS, empty_store

TEN = timedelta(seconds=10)


@pytest.fixture(params=VARIANTS, scope="module")
def opened(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObjectStore]:
    with empty_store(request.param, tmp_path_factory.mktemp("objects")) as store:
        yield store


@pytest.fixture
def objects(opened: ObjectStore) -> ObjectStore:
    opened.delete("")
    return opened


@pytest.fixture
def run(objects: ObjectStore) -> RunStore:
    return RunStore(objects, "r1")


class CountingStore(MemoryStore):
    def __init__(self) -> None:
        super().__init__()
        self.calls: Counter[str] = Counter()

    def get(self, key: str) -> bytes | None:
        self.calls["get"] += 1
        return super().get(key)

    def list(self, prefix: str) -> tuple[str, ...]:
        self.calls["list"] += 1
        return super().list(prefix)


def a_plan(load: Load | None = None, workers: int = 3) -> LoadPlan:
    return LoadPlan(
        run_id="r1", scenario="s", version=1, engine="k6", script="a.js", script_digest="d", bundle_digest="b", backend="local",
        environment="e", load=load or ClosedLoad.constant(6, TEN), duration=TEN, drain=TEN, workers=workers,
        targets={"shop": "http://127.0.0.1:1"}, parameters={"GREETING": "Grüße 🎈"}, thresholds=(),
    )  # fmt: skip


def a_stop(reason: EndReason = EndReason.STOPPED_BY_USER, *, at: float = 1.5, hard: bool = False) -> Stop:
    return Stop(reason, at, hard, f"because of {reason}")


def a_done(slot: int = 0, epoch: int = 1, reason: DoneReason = DoneReason.COMPLETED) -> Done:
    return Done(slot, epoch, 99.5, reason, 0, log_tail=("läuft", "fertig"), snapshots=2, digests=("aa", "bb"), first_second=10)


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
        lambda: run.assignment(0, 1), lambda: run.lease(0, 1), lambda: run.ready(0), lambda: run.snapshot(0, 1, 0),
        lambda: run.series(1, 0),
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


def test_ready_slots_are_those_ready_in_their_epoch(run: RunStore) -> None:
    run.say_ready(Ready(0, 1, 5.0, "k6 v1.1.0"))
    run.say_ready(Ready(2, 1, 6.0))
    assert run.ready(0) == Ready(0, 1, 5.0, "k6 v1.1.0")
    assert run.ready_slots({0: 1, 1: 1, 2: 2}) == {0}
    run.say_ready(Ready(2, 2, 7.0))
    assert run.ready_slots({0: 1, 1: 1, 2: 2}) == {0, 2}


def test_the_first_start_stands(run: RunStore) -> None:
    assert run.started() is None
    assert run.start(Start(1000)) == Start(1000)
    assert run.start(Start(2000)) == Start(1000)
    assert run.started() == Start(1000)


def test_the_first_setup_stands(run: RunStore) -> None:
    assert run.save_setup(b'{"token": "a"}')
    assert not run.save_setup(b'{"token": "b"}')
    assert run.setup() == b'{"token": "a"}'


def test_the_first_reason_to_stop_stands(run: RunStore) -> None:
    first = a_stop()
    assert run.ask_stop(first) == first
    assert run.ask_stop(a_stop(EndReason.DEADLINE, at=9.0)) == first
    assert run.stop_asked() == first


def test_a_hard_stop_hardens_a_graceful_one_and_keeps_its_reason(run: RunStore) -> None:
    first = a_stop()
    run.ask_stop(first)
    assert run.ask_stop(a_stop(EndReason.DEADLINE, at=9.0, hard=True)) == replace(first, hard=True)
    assert run.stop_asked() == replace(first, hard=True)


def test_a_graceful_stop_does_not_soften_a_hard_one(run: RunStore) -> None:
    first = a_stop(hard=True)
    run.ask_stop(first)
    assert run.ask_stop(a_stop(EndReason.DEADLINE)) == first
    assert run.stop_asked() == first


def test_pulse_and_beats_are_the_last_ones(run: RunStore) -> None:
    for at in (1.0, 2.0):
        run.pulse(Pulse(at))
        for slot in range(3):
            run.beat(Beat(slot, 1, at, WorkerPhase.RUNNING, 0.5, 1 << 30, 12, 3))
    run.beat(Beat(1, 2, 3.0, WorkerPhase.STARTING))
    assert run.last_pulse() == Pulse(2.0)
    beats = run.beats()
    assert list(beats) == [0, 1, 2]
    assert beats[0] == Beat(0, 1, 2.0, WorkerPhase.RUNNING, 0.5, 1 << 30, 12, 3)
    assert beats[1] == Beat(1, 2, 3.0, WorkerPhase.STARTING)


def test_only_new_snapshots_are_named_and_in_order(run: RunStore) -> None:
    run.put_snapshot(1, 1, 0, b"\x00\xff")
    run.put_snapshot(0, 1, 0, b"a")
    known = set(run.snapshot_keys(()))
    assert [layout.parse_snapshot_key(key) for key in sorted(known)] == [(0, 1, 0), (1, 1, 0)]
    run.put_snapshot(0, 1, 10, b"c")
    run.put_snapshot(0, 1, 9, b"b")
    run.put_snapshot(0, 1, 0, b"a")
    new = run.snapshot_keys(known)
    assert [layout.parse_snapshot_key(key) for key in new] == [(0, 1, 9), (0, 1, 10)]
    assert [run.snapshot_bytes(key) for key in new] == [b"b", b"c"]
    assert run.snapshot(1, 1, 0) == b"\x00\xff"


def test_done_is_kept_by_slot_and_epoch_and_the_first_stands(run: RunStore) -> None:
    run.done(a_done(0, 1, DoneReason.TERMINATED))
    run.done(a_done(0, 1, DoneReason.COMPLETED))
    run.done(a_done(0, 2))
    assert run.dones() == {(0, 1): a_done(0, 1, DoneReason.TERMINATED), (0, 2): a_done(0, 2)}
    run.done(a_done(1, 1))
    assert set(run.dones()) == {(0, 1), (0, 2), (1, 1)}


def test_raw_files_series_and_summary_come_back(run: RunStore) -> None:
    run.put_raw(2, "k6.log", b"log")
    run.save_series(10, 1, b"one")
    run.save_series(10, 0, b"zero")
    run.save_series(1, 0, b"fine")
    run.save_series(1, 0, b"finer")
    run.save_summary(b"{}")
    assert [run.raw_bytes(key) for key in run.raw_keys()] == [b"log"]
    assert [run.series_bytes(key) for key in run.series_keys(10)] == [b"zero", b"one"]
    assert run.series(1, 0) == b"finer"
    assert run.summary() == b"{}"


def test_deleting_a_run_leaves_the_others(objects: ObjectStore, run: RunStore) -> None:
    other = RunStore(objects, "r10")
    for each in (run, other):
        each.save_plan(a_plan())
        each.say_ready(Ready(0, 1, 1.0))
        each.done(a_done())
        each.put_snapshot(0, 1, 0, b"x")
        each.ready_slots({0: 1})
        each.dones()
    run.delete_run()
    run.delete_run()
    assert (run.plan(), run.dones(), run.ready_slots({0: 1}), run.snapshot_keys()) == (None, {}, frozenset(), ())
    assert other.plan() == a_plan()
    assert all("/r10/" in key for key in objects.list(""))


@pytest.mark.parametrize("broken", [b"", b"{", b"\xff\x00", b"[]", b'{"schema":1,"value":{}}', b'{"schema":99,"value":{"t0":1}}'])
def test_bytes_we_did_not_write_are_refused(objects: ObjectStore, run: RunStore, broken: bytes) -> None:
    for key in (layout.plan_key("r1"), layout.start_key("r1"), layout.beat_key("r1", 0), layout.done_key("r1", 0, 1)):
        objects.put(key, broken)
    for reader in (run.plan, run.started, run.beats, run.dones):
        with pytest.raises(WireInvalid):
            reader()


def test_keys_of_another_run_are_refused(run: RunStore) -> None:
    for reader in (run.snapshot_bytes, run.series_bytes, run.raw_bytes):
        with pytest.raises(ValueError, match="does not belong to run r1"):
            reader("runs/r10/snap/00000/0001/00000000.mp.z")


def test_a_second_look_reads_no_done_twice() -> None:
    objects = CountingStore()
    run = RunStore(objects, "r1")
    for slot in range(5):
        run.done(a_done(slot))
    run.dones()
    run.done(a_done(5))
    objects.calls.clear()
    assert len(run.dones()) == 6
    assert objects.calls == {"list": 1, "get": 1}


def test_a_look_at_beats_is_one_list_and_the_gets() -> None:
    objects = CountingStore()
    run = RunStore(objects, "r1")
    for slot in range(5):
        run.beat(Beat(slot, 1, 1.0, WorkerPhase.READY))
    assert len(run.beats()) == 5
    assert objects.calls == {"list": 1, "get": 5}


def test_slots_known_to_be_ready_are_not_read_again() -> None:
    objects = CountingStore()
    run = RunStore(objects, "r1")
    for slot in range(5):
        run.say_ready(Ready(slot, 1, 1.0))
    epochs = dict.fromkeys(range(6), 1)
    assert run.ready_slots(epochs) == set(range(5))
    run.say_ready(Ready(5, 1, 2.0))
    objects.calls.clear()
    assert run.ready_slots(epochs) == set(range(6))
    assert objects.calls == {"list": 1, "get": 1}
    objects.calls.clear()
    assert run.ready_slots(epochs) == set(range(6))
    assert objects.calls == {}
