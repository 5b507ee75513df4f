import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.core.hours import Freeze, closed_because, read_hours, read_zone

MONDAY = datetime(2026, 11, 23, tzinfo=UTC)


def closed(hour: float, *hours: str, minutes: int = 10, zone: str = "UTC", day: int = 0) -> str:
    start = MONDAY + timedelta(days=day, hours=hour)
    return closed_because(start, timedelta(minutes=minutes), hours=hours, zone=zone, freezes=())


@pytest.mark.parametrize(
    ("hour", "minutes", "day", "is_open"),
    [(8, 10, 0, True), (7.9, 10, 0, False), (17.9, 10, 0, False), (17.5, 30, 0, True), (9, 10, 5, False),
     (9, 60 * 24 * 30, 0, False)],
)  # fmt: skip
def test_the_whole_run_lies_within_the_hours(hour: float, minutes: int, day: int, is_open: bool) -> None:
    assert (not closed(hour, "mon-fri 08:00-18:00", minutes=minutes, day=day)) == is_open


def test_hours_may_pass_midnight_and_days_may_pass_sunday() -> None:
    assert not closed(1, "sun 22:00-06:00")
    assert closed(1, "mon 22:00-06:00")
    assert not closed(23, "fri-mon 22:00-06:00", minutes=120)
    assert not closed(12, "00:00-24:00", minutes=10_000)


def test_hours_are_those_of_the_zone() -> None:
    assert not closed(7, "08:00-09:00", zone="Europe/Berlin")
    assert closed(8, "08:00-09:00", zone="Europe/Berlin", minutes=10)


def test_a_frozen_time_is_closed_for_whatever_reaches_into_it() -> None:
    freeze = Freeze(MONDAY + timedelta(hours=10), MONDAY + timedelta(hours=12), "the sale")
    for hour, is_open in ((9, True), (9.95, False), (11, False), (12, True)):
        said = closed_because(MONDAY + timedelta(hours=hour), timedelta(minutes=10), hours=(), zone="UTC", freezes=(freeze,))
        assert (said == "") == is_open
    assert "the sale" in closed_because(freeze.start, timedelta(minutes=1), hours=(), zone="UTC", freezes=(freeze,))


@given(st.text("monfri 0123456789:-", max_size=24))
def test_what_are_no_hours_is_said_in_a_sentence(text: str) -> None:
    if re.fullmatch(r"([a-z]{3}(-[a-z]{3})? )?\d\d:\d\d-\d\d:\d\d", text.strip()) is None:
        with pytest.raises(ValueError, match="mon-fri"):
            read_hours(text)


def test_what_is_no_zone_is_refused() -> None:
    for name in ("Mars/Base", "", "../etc/passwd", "/etc/passwd"):
        with pytest.raises(ValueError, match="time zone"):
            read_zone(name)
