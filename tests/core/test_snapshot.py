from __future__ import annotations

import random
import zlib

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.core.errors import WireInvalid
from portal.core.snapshot import Block, IntervalSnapshot, Kind, Point
from tests.core.points import any_block, any_point, counter, rate, request, snapshot, trend

quick = settings(max_examples=60, deadline=None)


@quick
@given(st.lists(any_point(), max_size=12), st.randoms())
def test_equal_points_in_any_order_are_equal_bytes(points: list[Point], chance: random.Random) -> None:
    shuffled = list(points)
    chance.shuffle(shuffled)
    first, second = snapshot(points=points), snapshot(points=shuffled)
    assert first == second
    assert first.encode() == second.encode()


@quick
@given(any_block())
def test_the_points_of_a_block_make_the_same_block(block: Block) -> None:
    assert Block.of(block.points()) == block


@quick
@given(any_block())
def test_a_snapshot_survives_the_wire(block: Block) -> None:
    sent = IntervalSnapshot(3, 2, 17, 100, 105, block, final=True, broken=4)
    got = IntervalSnapshot.decode(sent.encode())
    assert got == sent
    assert got.encode() == sent.encode()


def test_points_of_one_second_and_series_add_up() -> None:
    (point,) = Block.of([trend(7, "time", [1, 2]), trend(7, "time", [3])]).points()
    assert (point.count, point.total, point.low, point.high) == (3, 6, 1, 3)
    assert sum(point.bins.values()) == 3


def test_an_empty_snapshot_still_says_what_it_covers() -> None:
    got = IntervalSnapshot.decode(snapshot(start=100, end=105).encode())
    assert (got.start, got.end, len(got.block)) == (100, 105, 0)


@quick
@given(st.binary(max_size=300))
def test_random_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(WireInvalid):
        IntervalSnapshot.decode(data)


@quick
@given(any_block(), st.data())
def test_cut_off_bytes_are_refused(block: Block, data: st.DataObject) -> None:
    whole = snapshot(points=block.points()).encode()
    with pytest.raises(WireInvalid):
        IntervalSnapshot.decode(whole[: data.draw(st.integers(0, len(whole) - 1))])


@settings(max_examples=100, deadline=None)
@given(any_block(), st.data())
def test_flipped_bits_behind_the_checksum_raise_nothing_else(block: Block, data: st.DataObject) -> None:
    plain = bytearray(zlib.decompress(snapshot(points=block.points()).encode()))
    for _ in range(data.draw(st.integers(1, 4))):
        plain[data.draw(st.integers(0, len(plain) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    _is_canonical_or_refused(zlib.compress(bytes(plain)))


COLUMNS = ("at", "which", "count", "total", "low", "high", "used", "steps", "counts")


@settings(max_examples=100, deadline=None)
@given(any_block(), st.sampled_from(COLUMNS), st.binary(max_size=64))
def test_a_foreign_column_raises_nothing_else(block: Block, column: str, foreign: bytes) -> None:
    form = msgspec.msgpack.decode(zlib.decompress(snapshot(points=block.points()).encode()))
    form[column] = foreign
    _is_canonical_or_refused(zlib.compress(msgspec.msgpack.encode(form)))


def _is_canonical_or_refused(data: bytes) -> None:
    try:
        found = IntervalSnapshot.decode(data)
    except WireInvalid:
        return
    assert Block.of(found.block.points()) == found.block


@pytest.mark.parametrize(
    ("name", "value"),
    [("v", 2), ("slot", -1), ("end", 5), ("end", 1 << 63), ("broken", -1), ("series", [["x", 9, []]]), ("extra", 1),
     ("series", [["x", 1, []]] * 2), ("final", "yes"), ("slot", None)],
)  # fmt: skip
def test_a_form_that_is_not_ours_is_refused(name: str, value: object) -> None:
    form = msgspec.msgpack.decode(zlib.decompress(snapshot(points=request(100)).encode()))
    with pytest.raises(WireInvalid):
        IntervalSnapshot.decode(zlib.compress(msgspec.msgpack.encode({**form, name: value})))


@pytest.mark.parametrize("news", [{}, {"exemplars": [1]}, {"counts": None}])
def test_a_newer_version_is_refused_with_a_sentence_whatever_else_is_new(news: dict[str, object]) -> None:
    form = msgspec.msgpack.decode(zlib.decompress(snapshot(points=request(100)).encode()))
    with pytest.raises(WireInvalid, match="This snapshot has version 2; this version reads 1"):
        IntervalSnapshot.decode(zlib.compress(msgspec.msgpack.encode({**form, "v": 2, **news})))


def test_a_bomb_is_refused_before_it_unfolds() -> None:
    with pytest.raises(WireInvalid, match="64 MiB"):
        IntervalSnapshot.decode(zlib.compress(bytes(65 * 1024 * 1024), 9))


def test_bytes_after_the_end_are_refused() -> None:
    with pytest.raises(WireInvalid):
        IntervalSnapshot.decode(snapshot().encode() + b"x")


def test_numbers_that_are_not_finite_are_refused() -> None:
    block = Block.of([counter(100, "hits", float("nan"))])
    with pytest.raises(WireInvalid, match="not finite"):
        IntervalSnapshot.decode(IntervalSnapshot(0, 1, 0, 100, 101, block).encode())


@quick
@given(
    st.lists(
        st.floats(allow_nan=False, allow_infinity=False) | st.integers(0, 10**12).map(lambda whole: whole / 1e6), max_size=20
    )
)
def test_numbers_travel_to_the_last_bit(values: list[float]) -> None:
    block = Block.of(counter(100 + index, "hits", value) for index, value in enumerate(values))
    assert IntervalSnapshot.decode(snapshot(points=block.points()).encode()).block == block


def test_twenty_names_at_a_thousand_requests_a_second_fit_into_eleven_kilobytes() -> None:
    """As k6 reports it: durations are whole nanoseconds, told in milliseconds; connections are kept open."""
    generator, points = np.random.default_rng(3), list[Point]()

    def nanoseconds(values: np.ndarray) -> np.ndarray:
        return np.maximum(np.round(values * 1e6), 0) / 1e6

    for second in range(1_700_000_000, 1_700_000_005):
        who = generator.integers(0, 20, 1000)
        waiting = nanoseconds((30 + 10 * who) * np.exp(0.6 * generator.standard_normal(1000)))
        sending = nanoseconds(0.02 * np.exp(0.4 * generator.standard_normal(1000)))
        receiving = nanoseconds(0.08 * np.exp(0.5 * generator.standard_normal(1000)))
        for name in range(20):
            labels = {"name": f"GET /api/v1/resource/{name}", "method": "GET", "status": "200"}
            mine = nanoseconds(waiting + sending + receiving)[who == name]
            points += [trend(second, "http_req_duration", mine, **labels), counter(second, "http_reqs", len(mine), **labels),
                       rate(second, "http_req_failed", 0, len(mine), **labels)]  # fmt: skip
        nothing = np.zeros(1000)
        parts = {"waiting": waiting, "sending": sending, "receiving": receiving, "blocked": nanoseconds(sending / 4),
                 "connecting": nothing, "tls_handshaking": nothing}  # fmt: skip
        for part, values in parts.items():
            points.append(trend(second, f"http_req_{part}", values))
    size = len(snapshot(points=points, start=1_700_000_000, end=1_700_000_005).encode())
    assert size <= 11_000
    assert len(Block.of(points)) == 5 * 66
    assert {point.key.kind for point in points} == {Kind.TREND, Kind.COUNTER, Kind.RATE}
