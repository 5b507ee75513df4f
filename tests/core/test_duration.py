from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.core.duration import LONGEST, format_duration, parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("10s", 10), ("1m30s", 90), ("500ms", 0.5), ("2h", 7200), ("3d", 259_200), (45, 45), ("45", 45), (1.5, 1.5), ("1.5m", 90),
     (" 1 M ", 60), ("0s", 0)],
)  # fmt: skip
def test_durations_are_read_as_people_write_them(text: object, seconds: float) -> None:
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "text", ["10 parsecs", "", "s", "-5s", "1e9", True, None, [], "10x", "31d", "999999999d", "1s" * 30, "5s!"]
)
def test_what_is_not_a_duration_is_refused_with_a_sentence(text: object) -> None:
    with pytest.raises(ValueError, match=r"\.$"):
        parse_duration(text)


@given(st.integers(0, LONGEST // timedelta(milliseconds=1)))
def test_a_written_duration_is_read_back_exactly(milliseconds: int) -> None:
    duration = timedelta(milliseconds=milliseconds)
    assert parse_duration(format_duration(duration)) == duration
