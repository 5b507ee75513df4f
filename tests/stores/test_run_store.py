"""One run's part of a store: written once or again, read back typed, over every kind of store."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from portal.core.errors import WireInvalid
from portal.core.ports import ObjectStore
from portal.core.protocol import Beat, Done, DoneReason, Lease, Pulse, Ready, Start, Stop, WorkerPhase
from portal.core.run_state import EndReason
from portal.stores import layout
from portal.stores.run_store import RunStore
from tests.stores.test_run_store_plan import a_plan

TEN = timedelta(seconds=10)


def a_stop(reason: EndReason = EndReason.STOPPED_BY_USER, *, at: float = 1.5, hard: bool = False) -> Stop:
    return Stop(reason, at, hard, f"because of {reason}")


def a_done(slot: int = 0, epoch: int = 1, reason: DoneReason = DoneReason.COMPLETED) -> Done:
    return Done(slot, epoch, 99.5, reason, 0, log_tail=("läuft", "fertig"), snapshots=2, digests=("aa", "bb"), first_second=10)


def test_ready_slots_are_those_ready_in_their_epoch(run: RunStore) -> None:
    run.say_ready(Ready(0, 1, 5.0, "k6 v1.1.0"))
    run.say_ready(Ready(2, 1, 6.0))
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


def test_one_worker_takes_the_teardown(run: RunStore) -> None:
    mine, other = Lease(0, 1, "a", 1.0), Lease(1, 1, "b", 1.0)
    assert run.take_teardown(mine)
    assert not run.take_teardown(other)
    assert run.take_teardown(mine), "its answer may have been lost"


def test_lines_are_read_by_worker_and_piece_and_those_nobody_wrote_are_left_out(run: RunStore) -> None:
    run.put_lines(3, 1, 0, ("läuft", "fertig"))
    run.put_lines(3, 2, 0, ())
    assert run.lines([(3, 1, 0), (3, 1, 1), (3, 2, 0), (4, 1, 0)]) == {(3, 1, 0): ("läuft", "fertig"), (3, 2, 0): ()}


def test_the_last_beat_of_a_slot_is_read_alone(run: RunStore) -> None:
    assert run.last_beat(3) is None
    beat = Beat(3, 2, 7.0, WorkerPhase.RUNNING)
    run.beat(beat)
    assert run.last_beat(3) == beat


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
    fine, finer = run.save_series(1, 0, b"fine"), run.save_series(1, 0, b"finer")
    run.save_summary(b"{}")
    assert [run.raw_bytes(key) for key in run.raw_keys()] == [b"log"]
    assert [run.series_bytes(key) for key in run.series_keys(10)] == [b"zero", b"one"]
    assert (run.series_bytes(fine), run.series_bytes(finer)) == (b"fine", b"finer"), "a chunk is replaced by another one"
    run.drop_series([fine])
    assert run.series_keys(1) == (finer,)
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
