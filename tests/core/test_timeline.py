"""Drawn piece by piece, a timeline is the one of everything at once."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.core.block import Block, Point
from portal.core.merge import merge
from portal.core.merged_run import outlined
from portal.core.timeline import streamed, timeline
from tests.core.points import counter, gauge, request

T0 = 1000


@st.composite
def a_run(draw: st.DrawFn) -> list[Point]:
    """Of up to two minutes, with users of two workers, silent seconds, and some seconds before the start."""
    found = list[Point]()
    for second in draw(st.lists(st.integers(T0 - 5, T0 + 120), unique=True, max_size=40)):
        name, status = draw(st.sampled_from(["home", "cart"])), draw(st.sampled_from(["200", "500"]))
        found += request(second, name, status=status, times=draw(st.lists(st.integers(0, 2000), min_size=1, max_size=4)))
        found += [gauge(second, "vus", draw(st.integers(0, 9)), worker=worker) for worker in ("0", "1")]
        found.append(counter(second, "dropped_iterations", draw(st.integers(0, 3))))
    return found


def pieces(block: Block, cuts: Sequence[int]) -> list[Block]:
    edges = (None, *sorted(set(cuts)), None)
    return [block.between(start, end) for start, end in itertools.pairwise(edges)]


@given(
    a_run(), st.lists(st.integers(T0 - 10, T0 + 130), max_size=12), st.integers(1, 50), st.integers(1, 130), st.booleans(),
    st.lists(st.tuples(st.integers(T0, T0 + 130), st.integers(T0, T0 + 130)), max_size=3),
)  # fmt: skip
def test_in_pieces_it_is_the_same(
    points: list[Point], cuts: list[int], step: int, length: int, is_outlined: bool, covered: list[tuple[int, int]]
) -> None:
    block = outlined(Block.of(points)) if is_outlined else Block.of(points)
    spans = tuple((start, end) for start, end in sorted(covered)[:1] if start < end)
    whole = timeline(block, T0, T0 + length, covered=spans, step=step)
    assert tuple(streamed(pieces(block, cuts), T0, T0 + length, covered=spans, step=step)) == whole


def test_no_more_than_a_piece_and_an_unfinished_step_is_held(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = list[int]()

    def watched(blocks: Sequence[Block]) -> Block:
        found = merge(blocks)
        seen.append(len(found))
        return found

    monkeypatch.setattr("portal.core.timeline.merge", watched)
    minutes = (outlined(Block.of(request(T0 + 60 * minute))) for minute in range(1000))
    found = list(streamed(minutes, T0, T0 + 60_000, covered=((T0, T0 + 60_000),), step=480))
    assert (len(found), sum(point.requests or 0 for point in found)) == (125, 1000)
    assert max(seen) <= 9 * len(outlined(Block.of(request(T0))))
