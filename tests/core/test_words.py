from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.core.words import milliseconds, number, observed, per_cent, proven


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "\N{EN DASH}"),
        (0, "0 ms"),
        (0.42, "0.42 ms"),
        (3.26, "3.3 ms"),
        (43.2, "43 ms"),
        (1250, "1.25 s"),
        (12_340, "12.3 s"),
    ],
)
def test_times_are_said_with_the_digits_a_reader_wants(value: float | None, words: str) -> None:
    assert milliseconds(value) == words


@pytest.mark.parametrize(("value", "words"), [(1234, "1,234"), (152.4, "152"), (12.54, "12.5"), (0.421, "0.421"), (7.0, "7")])
def test_numbers_are_short(value: float, words: str) -> None:
    assert number(value) == words


@pytest.mark.parametrize(
    ("part", "whole", "words"), [(0, 10, "0 %"), (1, 1000, "0.10 %"), (1, 3, "33.3 %"), (5, 5, "100 %"), (1, 0, "\N{EN DASH}")]
)
def test_shares_are_per_cent(part: float, whole: float, words: str) -> None:
    assert per_cent(part, whole) == words


@pytest.mark.parametrize(
    ("text", "value", "words"),
    [
        ("http_req_duration{name:GET /x} p(95)<300", 412.5, "412 ms"),
        ("http_req_failed rate<0.01", 0.002, "0.20 %"),
        ("http_req_failed{name:GET /a b} rate<0.01", 0.5, "50 %"),
        ("http_reqs rate>10", 152.4, "152"),
        ("http_reqs count>10", 1520, "1,520"),
        ("checks rate>0.9", 1, "100 %"),
        ("orders count>1", None, "no data"),
    ],
)
def test_observed_values_have_the_unit_of_their_metric(text: str, value: float | None, words: str) -> None:
    assert observed(text, value) == words


@pytest.mark.parametrize(
    ("text", "value", "words"),
    [
        ("http_req_duration{name:GET /x} p(95)<2.5", 2.5174, "2.517 ms"),
        ("http_req_failed{name:GET /a b} rate<0.01 for 30s", 0.010411, "1.041 %"),
        ("iteration_duration max<60000", 61_234.5, "61,234 ms"),
        ("http_reqs rate>10", 9.9961, "9.996"),
        ("http_reqs{name:} rate p(1)} count>10", 9, "9"),
    ],
)
def test_what_broke_a_threshold_can_be_held_against_its_bound(text: str, value: float, words: str) -> None:
    assert proven(text, value) == words


@settings(max_examples=100, deadline=None)
@given(st.floats(min_value=0, max_value=1e9))
def test_no_number_breaks_the_words(value: float) -> None:
    assert all(say(value) for say in (milliseconds, number, per_cent))
