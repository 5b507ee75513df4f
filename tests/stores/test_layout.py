"""Keys of a run: as the design's table has them, sorted as numbers are, and safe."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.stores import layout

SLOTS = st.integers(0, 99_999)
EPOCHS = st.integers(0, 9_999)
SEQS = st.integers(0, 99_999_999)
PLACES = st.tuples(SLOTS, EPOCHS, SEQS)


def test_the_table_of_keys() -> None:
    assert layout.plan_key("r1") == "runs/r1/plan.json"
    assert layout.bundle_key("r1") == "runs/r1/bundle.tar"
    assert layout.setup_key("r1") == "runs/r1/setup.json"
    assert layout.teardown_key("r1") == "runs/r1/teardown.json"
    assert layout.assignment_key("r1", 3, 2) == "runs/r1/assign/0002/00003.json"
    assert layout.lease_key("r1", 3, 2) == "runs/r1/lease/00003/0002"
    assert layout.ready_key("r1", 3) == "runs/r1/ready/00003.json"
    assert layout.start_key("r1") == "runs/r1/start.json"
    assert layout.stop_key("r1") == "runs/r1/stop.json"
    assert layout.pulse_key("r1") == "runs/r1/pulse.json"
    assert layout.beat_key("r1", 3) == "runs/r1/beat/00003.json"
    assert layout.snapshot_key("r1", 3, 2, 77) == "runs/r1/snap/00003/0002/00000077.mp.z"
    assert layout.done_key("r1", 3, 2) == "runs/r1/done/00003/0002.json"
    assert layout.lines_key("r1", 3, 2, 1) == "runs/r1/lines/00003/0002/00000001.json"
    assert layout.raw_key("r1", 3, "k6.log") == "runs/r1/raw/00003/k6.log"
    assert layout.series_key("r1", 10, 4, "ab12") == "runs/r1/series/10/00000004-ab12.mp.z"
    assert layout.summary_key("r1") == "runs/r1/summary.json"


@given(PLACES)
def test_a_snapshot_key_is_read_back(place: tuple[int, int, int]) -> None:
    key = layout.snapshot_key("run-1", *place)
    layout.check_key(key)
    assert layout.parse_snapshot_key(key) == place


@given(st.lists(PLACES, max_size=20))
def test_sorted_keys_are_in_order_of_slot_epoch_and_seq(places: list[tuple[int, int, int]]) -> None:
    keys = sorted(layout.snapshot_key("r", *place) for place in places)
    assert [layout.parse_snapshot_key(key) for key in keys] == sorted(places)


@pytest.mark.parametrize("key", ["", "runs/r1/plan.json", "runs/r1/snap/1/1/1.mp.z", "runs/r1/snap/00001/0001/00000001.mp.z.x"])
def test_other_keys_are_not_snapshots(key: str) -> None:
    with pytest.raises(ValueError, match="not the key of a snapshot"):
        layout.parse_snapshot_key(key)


@pytest.mark.parametrize("number", [-1, 100_000])
def test_a_slot_the_layout_has_no_room_for_is_refused(number: int) -> None:
    with pytest.raises(ValueError, match="is not a slot"):
        layout.beat_key("r1", number)


@pytest.mark.parametrize("run_id", ["", "..", "a/b", "a b", "r\n", "x" * 101])
def test_run_ids_that_could_leave_their_folder_are_refused(run_id: str) -> None:
    with pytest.raises(ValueError, match="is not a run id"):
        layout.plan_key(run_id)


@pytest.mark.parametrize("name", ["", ".", "..", "../a", "a/b", ".env", "x" * 151])
def test_raw_names_that_are_not_plain_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="is not a plain file name"):
        layout.raw_key("r1", 0, name)


def test_a_series_needs_a_resolution() -> None:
    with pytest.raises(ValueError, match="is not a resolution"):
        layout.series_prefix("r1", 0)
