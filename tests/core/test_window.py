from __future__ import annotations

import math

from hypothesis import given, settings
from hypothesis import strategies as st

from portal.core.merge import merge, select
from portal.core.snapshot import Block, Kind, Point, SeriesKey
from portal.core.thresholds import parse_threshold
from portal.core.window import MOST_VALUES, OTHER, LabelPolicy, Window
from tests.core.points import any_point, counter, gauge, labelled, rate, trend


def keys(block: Block) -> set[tuple[str, tuple[tuple[str, str], ...]]]:
    return {(key.metric, key.labels) for key in block.series}


def test_closing_gives_the_seconds_that_are_over_and_forgets_them() -> None:
    window = Window()
    window.add([counter(1, "hits", 1), counter(2, "hits", 2), counter(3, "hits", 4)])
    assert window.close(3).total.tolist() == [1, 2]
    assert window.close(4).total.tolist() == [4]
    assert len(window.close(99)) == 0


def test_late_points_come_out_under_their_own_second_but_late_gauges_are_dropped() -> None:
    window = Window()
    window.add([counter(1, "hits", 1), gauge(1, "vus", 5)])
    first = window.close(2)
    window.add([counter(1, "hits", 2), gauge(1, "vus", 5)])
    whole = merge([first, window.close(2)])
    assert (whole.at.tolist(), select(whole, "hits").total, select(whole, "vus").total) == ([1, 1], 3, 5)


def test_points_of_one_second_add_up_and_the_last_gauge_stands() -> None:
    window = Window()
    window.add([rate(1, "failed", 1, 2), rate(1, "failed", 0, 3), gauge(1, "vus", 9), gauge(1, "vus", 4), gauge(1, "vus", 6)])
    window.add([trend(1, "time", [5, 6]), trend(1, "time", [1])])
    found = {point.key.metric: point for point in window.close(2).points()}
    assert (found["failed"].count, found["failed"].total) == (5, 1)
    assert (found["vus"].count, found["vus"].total, found["vus"].low, found["vus"].high) == (1, 6, 4, 9)
    assert (found["time"].count, found["time"].total, found["time"].low, found["time"].high) == (3, 12, 1, 6)


@settings(max_examples=60, deadline=None)
@given(st.lists(any_point().filter(lambda point: point.key.kind is not Kind.GAUGE), max_size=15), st.integers(99, 113))
def test_what_comes_out_in_pieces_is_what_went_in(points: list[Point], middle: int) -> None:
    window, whole = Window(LabelPolicy({metric: frozenset({"name"}) for metric in ("hits", "failed", "time")})), Window()
    pieces = []
    for point in points:
        window.add([point])
        pieces.append(window.close(middle))
    pieces.append(window.close(200))
    expected = [point for point in points if point.key.kind is not Kind.TREND or point.count]
    assert merge(pieces) == Block.of(expected)
    assert len(whole.close(200)) == 0


def test_main_metrics_keep_the_labels_that_results_show() -> None:
    window = Window()
    labels = {"name": "home", "status": "200", "method": "GET", "error": "", "scenario": "default", "proto": "h2", "group": ""}
    window.add([counter(1, "http_reqs", 1, **labels), trend(1, "http_req_waiting", [1], **labels),
                counter(1, "mine", 1, **labels), counter(1, "iterations", 1, name="x", scenario="buyers")])  # fmt: skip
    assert keys(window.close(2)) == {
        ("http_reqs", labelled(name="home", status="200", method="GET")), ("http_req_waiting", ()), ("mine", ()),
        ("iterations", labelled(scenario="buyers")),
    }  # fmt: skip


def test_labels_that_thresholds_select_on_are_kept_for_their_metric() -> None:
    rules = [
        parse_threshold("mine{tier:gold}", "count>1"),
        parse_threshold("http_req_waiting{scenario:default,name:a}", "p(95)<9"),
    ]
    window = Window(LabelPolicy.for_thresholds(rules))
    labels = {"tier": "gold", "scenario": "default", "name": "a"}
    window.add([counter(1, "mine", 1, **labels), trend(1, "http_req_waiting", [1], **labels)])
    assert keys(window.close(2)) == {
        ("mine", labelled(tier="gold")),
        ("http_req_waiting", labelled(name="a", scenario="default")),
    }


def test_too_many_names_become_one_and_are_counted() -> None:
    window = Window()
    window.add(counter(1, "http_reqs", 1, name=f"/item/{number}") for number in range(MOST_VALUES + 30))
    window.add([counter(1, "http_reqs", 1, name="/item/3"), counter(1, "http_reqs", 1, name=f"/item/{MOST_VALUES + 3}")])
    block = window.close(2)
    assert window.names_dropped == 30
    assert len(block.series) == MOST_VALUES + 1
    assert select(block, "http_reqs", [("name", OTHER)]).total == 31
    assert select(block, "http_reqs").total == MOST_VALUES + 32


def test_points_that_say_nothing_are_left_out() -> None:
    window = Window()
    window.add(
        [
            counter(1, "hits", math.nan),
            Point(1, SeriesKey("time", Kind.TREND), high=math.inf),
            Point(1, SeriesKey("time", Kind.TREND)),
        ]
    )
    assert len(window.close(2)) == 0
    assert window.unreadable == 2


def test_memory_stays_bounded_when_labels_never_repeat() -> None:
    window = Window()
    for start in range(0, 25_000, 5000):
        window.add(counter(1, "mine", 1, id=str(number)) for number in range(start, start + 5000))
    assert window.close(2).total.tolist() == [25_000]
