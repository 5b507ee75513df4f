"""A reader that lags: what waits is bounded, the engine is made to wait, and whatever is not in the numbers is counted."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from portal.core.errors import EngineOutputBroken
from portal.core.snapshot import Kind, Point, SeriesKey
from runner_images.agent.intake import HttpIntake
from runner_images.agent.lines import LinesIntake, PipeIntake
from runner_images.agent.reading import LARGEST_BATCH, Reading
from tests.fakes import PATIENCE_SECONDS, wait_until

BATCH, ROOM = 1000, 5000


class SlowReader:
    """Reads a batch of digits as a number, but only while it may."""

    def __init__(self) -> None:
        self.may = threading.Event()
        self.numbers: list[int] = []

    def read(self, batch: bytes) -> Iterable[Point]:
        self.may.wait(PATIENCE_SECONDS)
        try:
            return tuple(Point(int(line), SeriesKey("hits", Kind.COUNTER), total=1) for line in batch.split(b"\n") if line)
        except ValueError as error:
            raise EngineOutputBroken("no number") from error

    def add(self, points: Iterable[Point]) -> None:
        self.numbers.extend(point.second for point in points)


@pytest.fixture
def reader() -> Iterator[SlowReader]:
    slow = SlowReader()
    yield slow
    slow.may.set()


def batch(number: int) -> bytes:
    return b"%0*d" % (BATCH, number)


def post(intake: HttpIntake, number: int) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", intake.port, timeout=PATIENCE_SECONDS)
    try:
        connection.request("POST", "/v2/metrics/x", batch(number), {"K6-Idempotency-Key": f"key {number}"})
        return connection.getresponse().status
    finally:
        connection.close()


def post_all(intake: HttpIntake, numbers: Iterable[int]) -> None:
    """As k6 does: one after the other, the same batch again until it is taken."""
    for number in numbers:
        while post(intake, number) != 200:
            pass


def test_a_poster_waits_for_a_slow_reader_and_nothing_is_lost(reader: SlowReader) -> None:
    intake = HttpIntake(reader.read, reader.add, most_waiting=ROOM, hold=0.05)
    poster = threading.Thread(target=post_all, args=(intake, range(40)), daemon=True)
    poster.start()
    wait_until(lambda: intake.reading.waiting_bytes == ROOM, "a full queue")
    assert poster.is_alive()
    assert reader.numbers == []
    reader.may.set()
    poster.join(PATIENCE_SECONDS)
    intake.finish()
    assert (reader.numbers, intake.broken) == (list(range(40)), 0)


def test_a_batch_that_was_turned_away_and_never_came_again_is_counted(reader: SlowReader) -> None:
    intake = HttpIntake(reader.read, reader.add, most_waiting=ROOM, hold=0.01)
    answers = [post(intake, number) for number in range(20)]
    assert {*answers} == {200, 503}
    assert intake.reading.waiting_bytes <= ROOM
    reader.may.set()
    wait_until(lambda: intake.reading.waiting_bytes == 0, "room")
    assert post(intake, 19) == 200
    intake.finish()
    assert 19 in reader.numbers
    assert len(reader.numbers) + intake.broken == 20


def test_a_batch_larger_than_all_the_room_still_gets_through(reader: SlowReader) -> None:
    reader.may.set()
    reading = Reading(reader.read, reader.add, most_waiting=10)
    assert reading.take(batch(1))
    assert reading.take(batch(2))
    reading.finish()
    assert (reader.numbers, reading.broken) == ([1, 2], 0)


def test_the_end_waits_for_a_reader_that_gets_on_and_counts_what_a_hanging_one_leaves(reader: SlowReader) -> None:
    reading = Reading(reader.read, reader.add)
    for number in range(5):
        assert reading.take(batch(number))
    reading.finish(patience=0.05)
    assert reading.broken == 5
    assert not reading.take(batch(9))


def test_a_broken_batch_adds_nothing_of_its_own(reader: SlowReader) -> None:
    reader.may.set()
    reading = Reading(reader.read, reader.add)
    assert reading.take(b"1\n2\nnonsense\n3")
    assert reading.take(b"4\n5")
    reading.finish()
    assert (reader.numbers, reading.broken) == ([4, 5], 1)


def test_the_rest_of_the_lines_waits_on_disk(tmp_path: Path, reader: SlowReader) -> None:
    intake = LinesIntake(tmp_path / "lines", reader.read, reader.add, lambda line: False)
    intake.reading._most = ROOM
    (tmp_path / "lines.1").write_bytes(b"".join(batch(number) + b"\n" for number in range(200)))
    wait_until(lambda: intake.reading.waiting_bytes > ROOM - 2 * BATCH, "a full queue")
    assert intake.reading.waiting_bytes <= ROOM
    reader.may.set()
    intake.finish()
    assert (reader.numbers, intake.broken) == (list(range(200)), 0)


def test_a_line_without_end_is_counted_once_and_the_next_is_read(tmp_path: Path, reader: SlowReader) -> None:
    reader.may.set()
    intake = LinesIntake(tmp_path / "lines", reader.read, reader.add, lambda line: False)
    with (tmp_path / "lines.1").open("wb") as file:
        file.write(b"7\n")
        for _ in range(3):
            file.write(b"1" * LARGEST_BATCH)
        file.write(b"1\n8\n")
    intake.finish()
    assert (reader.numbers, intake.broken) == ([7, 8], 1)


def test_several_writers_are_ready_when_the_last_one_is(tmp_path: Path, reader: SlowReader) -> None:
    reader.may.set()
    intake = LinesIntake(tmp_path / "lines", reader.read, reader.add, lambda line: line == b"ready\n", writers=2)
    (tmp_path / "lines.1").write_bytes(b"ready\n1\n")
    wait_until(lambda: reader.numbers == [1], "the first writer's line")
    assert not intake.is_ready
    (tmp_path / "lines.2").write_bytes(b"ready\n")
    wait_until(lambda: intake.is_ready, "ready")
    intake.finish()


def test_a_pipe_is_read_in_whole_lines_to_its_last(tmp_path: Path, reader: SlowReader) -> None:
    intake = PipeIntake(tmp_path / "pipe", reader.read, reader.add)
    reader.may.set()
    with (tmp_path / "pipe").open("wb") as pipe:
        for number in range(20_000):
            pipe.write(b"%d\n" % number)
    intake.finish()
    assert (reader.numbers, intake.broken) == (list(range(20_000)), 0)


def test_a_pipe_that_ends_within_a_line_says_so(tmp_path: Path, reader: SlowReader) -> None:
    reader.may.set()
    intake = PipeIntake(tmp_path / "pipe", reader.read, reader.add)
    with (tmp_path / "pipe").open("wb") as pipe:
        pipe.write(b"1\n2")
    intake.finish()
    assert (reader.numbers, intake.broken) == ([1], 1)
