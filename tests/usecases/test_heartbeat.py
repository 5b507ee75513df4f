import time

import pytest

from portal.usecases.heartbeat import QUEUE, TICKER, note_heartbeat, seconds_silent

pytestmark = pytest.mark.django_db


def test_who_never_showed_a_sign_of_life_has_been_silent_for_ever() -> None:
    assert seconds_silent(QUEUE) == float("inf")


def test_a_late_beat_hides_no_newer_one() -> None:
    now = time.time()
    note_heartbeat(now - 10)
    note_heartbeat(now - 500)
    assert seconds_silent(QUEUE) < 400


def test_silence_counts_from_when_the_newest_beat_was_asked_for() -> None:
    now = time.time()
    note_heartbeat(now - 100, TICKER)
    note_heartbeat(now - 50, TICKER)
    note_heartbeat(now + 50, QUEUE)
    assert seconds_silent(TICKER) >= 50
    assert seconds_silent(QUEUE) == 0, "a clock that was set back silences nobody"
