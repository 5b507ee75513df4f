"""No body, however broken, stops the reader, fills the memory or leaves half of itself in the numbers."""

from __future__ import annotations

import random
import resource
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any  # Any: protobuf messages made at run time have no static type.

import cramjam
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.core.errors import EngineOutputBroken
from portal.core.snapshot import Block, IntervalSnapshot, Kind, Point
from portal.core.window import Window
from portal.engines.k6_wire import _Set, read_batch
from runner_images.agent.reading import Reading

RECORDED = Path(__file__).parents[1] / "fixtures/k6"
BODIES = tuple(path.read_bytes() for path in sorted(RECORDED.glob("cloud_*/*.bin")))
NUMBERS = (0.0, -0.0, -1.0, 1e-320, 0.1, 2.0**53, 2.0**53 + 2, 1e300, float("inf"), float("-inf"), float("nan"))
WHOLE = (0, 1, 2, 255, 4095, 4096, 65_535, 1 << 30, (1 << 30) + 1, (1 << 32) - 1)
many = settings(max_examples=150, deadline=None)


def packed(message: Any) -> bytes:
    return bytes(cramjam.snappy.compress_raw(message.SerializeToString()))


def recorded(index: int) -> Any:
    return _Set.FromString(bytes(cramjam.snappy.decompress_raw(BODIES[index % len(BODIES)])))


def values(message: Any) -> list[Any]:
    """Every message in it that holds a number."""
    series = [series for metric in message.metrics for series in metric.series]
    return [value for each in series for value in getattr(each, each.WhichOneof("values")).values]


def everything(points: Iterable[Point]) -> Block:
    window = Window()
    window.add(points)
    return window.close(1 << 36)


def taken(bodies: Iterable[bytes]) -> tuple[Block, int]:
    """What the agent makes of these posts, and how many of them it counted as broken."""
    window = Window()
    reading = Reading(read_batch, window.add)
    assert all(reading.take(body) for body in bodies)
    reading.finish()
    return window.close(1 << 36), reading.broken


def is_whole_or_broken(body: bytes) -> None:
    """Between two good bodies: it is in the numbers with all its points, or it is counted and none of it is there."""
    before, after = BODIES[0], BODIES[-1]
    try:
        expected = (*read_batch(before), *read_batch(body), *read_batch(after))
        broken = 0
    except EngineOutputBroken:
        expected, broken = (*read_batch(before), *read_batch(after)), 1
    block, counted = taken((before, body, after))
    assert counted == broken
    assert block == everything(expected)
    snapshot = IntervalSnapshot(0, 1, 0, 100, 101, block)
    assert IntervalSnapshot.decode(snapshot.encode()).block == block
    for point in block.points():
        assert point.count >= 0
        assert point.key.kind is not Kind.TREND or sum(point.bins.values()) == point.count


@many
@given(st.integers(0, 99), st.data())
def test_numbers_no_k6_would_send_are_refused_or_added_exactly(index: int, data: st.DataObject) -> None:
    message = recorded(index)
    for _ in range(data.draw(st.integers(1, 3))):
        value = data.draw(st.sampled_from(values(message)))
        field = data.draw(st.sampled_from([field for field in value.DESCRIPTOR.fields if not field.message_type]))
        if field.name == "counters":
            value.counters.append(data.draw(st.sampled_from(WHOLE)))
        else:
            setattr(value, field.name, data.draw(st.sampled_from(WHOLE if field.cpp_type == field.CPPTYPE_UINT32 else NUMBERS)))
    is_whole_or_broken(packed(message))


@many
@given(st.integers(0, 99), st.sampled_from([-(1 << 62), -1, 0, 1, (1 << 36) - 1, 1 << 36, (1 << 62)]), st.data())
def test_times_beyond_reason_are_refused(index: int, seconds: int, data: st.DataObject) -> None:
    message = recorded(index)
    data.draw(st.sampled_from(values(message))).time.seconds = seconds
    is_whole_or_broken(packed(message))


@many
@given(st.integers(0, 99), st.integers(-1, 9), st.data())
def test_values_of_a_wrong_kind_are_refused(index: int, kind: int, data: st.DataObject) -> None:
    message = recorded(index)
    metric = data.draw(st.sampled_from(list(message.metrics)))
    same = metric.type == kind
    metric.type = kind
    body = packed(message)
    if not same:
        with pytest.raises(EngineOutputBroken):
            read_batch(body)
    is_whole_or_broken(body)


@many
@given(st.integers(0, 99), st.randoms(), st.booleans(), st.integers(1, 6))
def test_flipped_bits_and_cuts_are_read_whole_or_not_at_all(index: int, chance: random.Random, inside: bool, times: int) -> None:
    body = bytearray(BODIES[index % len(BODIES)])
    if inside:
        body = bytearray(cramjam.snappy.decompress_raw(bytes(body)))
    for _ in range(times):
        body[chance.randrange(len(body))] ^= 1 << chance.randrange(8)
    if chance.random() < 0.3:
        del body[chance.randrange(len(body)) :]
    is_whole_or_broken(bytes(cramjam.snappy.compress_raw(bytes(body))) if inside else bytes(body))


def histogram(spans: list[tuple[int, int]], counters: list[int]) -> bytes:
    message = _Set()
    metric = message.metrics.add(name="t", type=4)
    value = metric.series.add().trends.values.add(count=sum(counters) % (1 << 32), resolution=0.001, counters=counters, max=1e9)
    for offset, length in spans:
        value.spans.add(offset=offset, length=length)
    value.sum = 1.0
    value.time.seconds = 1
    return packed(message)


@pytest.mark.parametrize(
    ("spans", "counters"),
    [
        ([(0, (1 << 32) - 1)], [1]), ([((1 << 32) - 1, 1)], [1]), ([(4095, 2)], [1, 1]), ([(0, 1)] * 1_000_000, [1] * 1_000_000),
        ([(4000, 50), (4000, 50)], [1] * 100), ([(0, 0)] * 1_000_000, []), ([(0, 1)], [(1 << 32) - 1]),
        ([(0, 2)], [(1 << 31), (1 << 31)]), ([], [5]), ([(0, 5)], []),
    ],
)  # fmt: skip
def test_spans_and_counters_that_do_not_fit_are_refused(spans: list[tuple[int, int]], counters: list[int]) -> None:
    with pytest.raises(EngineOutputBroken):
        read_batch(histogram(spans, counters))


def field(number: int, content: bytes) -> bytes:
    """One length-delimited field of a protobuf message."""
    length, prefix = len(content), bytes([number << 3 | 2])
    while length > 127:
        prefix, length = prefix + bytes([length & 127 | 128]), length >> 7
    return prefix + bytes([length]) + content


ROOM = (8 << 20) - 200
BOMBS: dict[str, Callable[[], bytes]] = {
    "metrics": lambda: field(3, b"") * (ROOM // 2),
    "series": lambda: field(3, field(1, b"a") + b"\x10\x01" + field(3, b"") * (ROOM // 2)),
    "labels": lambda: field(3, field(1, b"a") + b"\x10\x01" + field(3, field(1, b"") * (ROOM // 2))),
    "values": lambda: field(3, field(1, b"a") + b"\x10\x01" + field(3, field(2, field(1, b"") * (ROOM // 2)))),
    "trends": lambda: field(3, field(1, b"a") + b"\x10\x04" + field(3, field(5, field(1, b"") * (ROOM // 2)))),
    "zeros": lambda: bytes(300 << 20),
}
MOST_MEGABYTES = 600


@pytest.mark.parametrize("name", BOMBS)
def test_a_small_body_that_unfolds_without_end_is_refused_in_bounded_memory(name: str) -> None:
    code = "import sys, tests.engines.test_k6_fuzz as fuzz; fuzz.survive(sys.argv[1])"
    done = subprocess.run((sys.executable, "-c", code, name), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    if sys.platform == "linux":
        assert int(done.stdout) < MOST_MEGABYTES * 1024


def survive(name: str) -> None:
    """In a process of its own: prints how many kB the bomb took."""
    body = bytes(cramjam.snappy.compress_raw(BOMBS[name]()))
    assert len(body) < 16 << 20
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    _, broken = taken([body])
    assert broken == 1
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
