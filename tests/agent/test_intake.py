"""How posted batches and appended lines come in: whole, once, and without a word about what is broken but its number."""

from __future__ import annotations

import http.client
import json
import socket
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from portal.core.errors import EngineOutputBroken
from portal.core.snapshot import Kind, Point, SeriesKey
from portal.engines.k6_wire import read_batch
from runner_images.agent.intake import HttpIntake
from runner_images.agent.lines import LinesIntake
from tests.fakes import PATIENCE_SECONDS, wait_until

FIXTURES = Path(__file__).parents[1] / "fixtures/k6"
METRICS = "/v2/metrics/knopfdruck"


class Seen:
    """Reads a batch as a number; `0` is a broken one, `?` a bug of ours."""

    def __init__(self) -> None:
        self.points: list[Point] = []

    def read(self, batch: bytes) -> Iterable[Point]:
        if batch.strip() == b"?":
            raise ZeroDivisionError
        try:
            number = int(batch)
        except ValueError:
            number = 0
        if not number:
            raise EngineOutputBroken("broken")
        return (Point(number, SeriesKey("hits", Kind.COUNTER), total=1.0),)

    def add(self, points: Iterable[Point]) -> None:
        self.points.extend(points)

    @property
    def numbers(self) -> list[int]:
        return [point.second for point in self.points]


@pytest.fixture
def seen() -> Seen:
    return Seen()


@pytest.fixture
def intake(seen: Seen) -> Iterator[HttpIntake]:
    taking = HttpIntake(seen.read, seen.add)
    yield taking
    if taking.reading.is_alive():
        taking.finish()


def post(intake: HttpIntake, body: bytes, *, chunked: bool = False, path: str = METRICS, key: str = "") -> int:
    connection = http.client.HTTPConnection("127.0.0.1", intake.port, timeout=PATIENCE_SECONDS)
    headers = {"K6-Idempotency-Key": key} if key else {}
    parts = iter((body[:7], body[7:])) if chunked else body
    try:
        connection.request("POST", path, parts, headers, encode_chunked=chunked)
        return connection.getresponse().status
    finally:
        connection.close()


def send_raw(intake: HttpIntake, text: bytes) -> bytes:
    """What the receiver says to these very bytes, until it closes the connection."""
    with socket.create_connection(("127.0.0.1", intake.port), timeout=PATIENCE_SECONDS) as connection:
        connection.sendall(text)
        connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(4096), b""))


@pytest.mark.parametrize("chunked", [False, True])
def test_batches_arrive_plain_and_chunked(intake: HttpIntake, seen: Seen, chunked: bool) -> None:
    assert [post(intake, b"%09d" % number, chunked=chunked) for number in (1, 2, 3)] == [200] * 3
    intake.finish()
    assert (seen.numbers, intake.broken) == ([1, 2, 3], 0)


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("version", ["1.1.0", "2.2.0"])
def test_what_k6_posts_is_read_as_it_was_recorded(version: str, chunked: bool) -> None:
    bodies = [file.read_bytes() for file in sorted((FIXTURES / f"cloud_{version}").glob("*.bin"))]
    found: list[Point] = []
    intake = HttpIntake(read_batch, found.extend)
    for body in bodies:
        assert post(intake, body, chunked=chunked) == 200
    intake.finish()
    assert found == [point for body in bodies for point in read_batch(body)]
    assert intake.broken == 0


def test_one_connection_carries_many_batches(intake: HttpIntake, seen: Seen) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", intake.port, timeout=PATIENCE_SECONDS)
    for number in range(1, 30):
        connection.request("POST", METRICS, iter((b"%d" % number,)), encode_chunked=True)
        assert connection.getresponse().read() == b""
    connection.close()
    intake.finish()
    assert seen.numbers == list(range(1, 30))


def test_an_answer_means_that_the_batch_is_taken(seen: Seen) -> None:
    reading, taking = threading.Event(), threading.Event()

    def slow(batch: bytes) -> Iterable[Point]:
        reading.set()
        taking.wait(PATIENCE_SECONDS)
        return seen.read(batch)

    intake = HttpIntake(slow, seen.add)
    assert [post(intake, b"1"), post(intake, b"2")] == [200, 200]
    assert reading.wait(PATIENCE_SECONDS)
    assert seen.numbers == []
    taking.set()
    intake.finish()
    assert seen.numbers == [1, 2]


def test_a_batch_posted_again_under_its_key_counts_once(intake: HttpIntake, seen: Seen) -> None:
    for key, body in (("a", b"1"), ("a", b"1"), ("b", b"1"), ("", b"2"), ("", b"2")):
        assert post(intake, body, key=key) == 200
    intake.finish()
    assert seen.numbers == [1, 1, 2, 2]


def test_broken_batches_are_counted_and_dropped(intake: HttpIntake, seen: Seen) -> None:
    for body in (b"1", b"", b"nonsense", b"?", b"2"):
        assert post(intake, body) == 200
    intake.finish()
    assert (seen.numbers, intake.broken) == ([1, 2], 3)


def test_other_posts_are_answered_and_ignored(intake: HttpIntake, seen: Seen) -> None:
    assert post(intake, b"1", path="/v1/tests") == 200
    intake.finish()
    assert (seen.numbers, intake.broken) == ([], 0)


@pytest.mark.parametrize(
    "rest",
    [
        b"Content-Length: -5\r\n\r\nhello", b"Content-Length: 99999999999999\r\n\r\nhello", b"Content-Length: many\r\n\r\nhello",
        b"Content-Length: 10\r\n\r\nhello", b"Transfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n0\r\n\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n-5\r\nhello\r\n0\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\n\r\n\r\n",
        b"Transfer-Encoding: chunked\r\n\r\nffffffffffff\r\nhello", b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n1000000\r\n",
    ],
)  # fmt: skip
def test_a_post_framed_against_the_rules_neither_hangs_nor_harms(intake: HttpIntake, seen: Seen, rest: bytes) -> None:
    answer = send_raw(intake, b"POST " + METRICS.encode() + b" HTTP/1.1\r\nHost: x\r\n" + rest)
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert post(intake, b"7") == 200
    intake.finish()
    assert (seen.numbers, intake.broken) == ([7], 1)


def test_a_length_beyond_reason_is_answered_without_waiting_for_it(intake: HttpIntake, seen: Seen) -> None:
    """The connection stays open on the poster's side: nothing but the refusal can end the wait."""
    with socket.create_connection(("127.0.0.1", intake.port), timeout=PATIENCE_SECONDS) as connection:
        connection.sendall(f"POST {METRICS} HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\nhello".encode())
        assert connection.recv(4096).startswith(b"HTTP/1.1 200 ")
    intake.finish()
    assert intake.broken == 1


def test_a_poster_that_says_nothing_keeps_nobody_from_posting_or_ending(intake: HttpIntake, seen: Seen) -> None:
    with socket.create_connection(("127.0.0.1", intake.port), timeout=PATIENCE_SECONDS) as silent:
        silent.sendall(f"POST {METRICS} HTTP/1.1\r\nContent-Length: 100\r\n\r\nhe".encode())
        assert post(intake, b"5") == 200
        intake.finish()
    assert seen.numbers == [5]


def lines(folder: Path, seen: Seen) -> LinesIntake:
    return LinesIntake(folder / "lines", seen.read, seen.add, lambda line: b'"ready"' in line)


def test_lines_of_several_files_are_followed_across_partial_writes(tmp_path: Path, seen: Seen) -> None:
    intake = lines(tmp_path, seen)
    with (tmp_path / "lines.1").open("ab", buffering=0) as first, (tmp_path / "lines.2").open("ab", buffering=0) as second:
        first.write(b"1\n2")
        second.write(b"30\n")
        wait_until(lambda: sorted(seen.numbers) == [1, 30], "the whole lines")
        first.write(b"2\n")
        wait_until(lambda: 22 in seen.numbers, "the completed line")
        second.write(b"31\nnonsense\n32\n")
    (tmp_path / "lines.3").write_bytes(b"50\n")
    intake.finish()
    assert (sorted(seen.numbers), intake.broken) == ([1, 22, 30, 31, 32, 50], 1)


def test_other_files_are_not_lines(tmp_path: Path, seen: Seen) -> None:
    (tmp_path / "lines").write_bytes(b"1\n")
    (tmp_path / "lines-2.1").write_bytes(b"2\n")
    intake = lines(tmp_path, seen)
    intake.finish()
    assert seen.numbers == []


def test_what_was_written_before_the_end_is_read_however_late(tmp_path: Path, seen: Seen) -> None:
    intake = lines(tmp_path, seen)
    (tmp_path / "lines.1").write_bytes(b"".join(b"%d\n" % number for number in range(1, 3001)))
    intake.finish()
    assert seen.numbers == list(range(1, 3001))


def test_the_ready_line_says_ready_and_is_no_number(tmp_path: Path, seen: Seen) -> None:
    intake = lines(tmp_path, seen)
    (tmp_path / "lines.1").write_bytes(b"1\n")
    wait_until(lambda: seen.numbers == [1], "the first line")
    assert not intake.is_ready
    with (tmp_path / "lines.1").open("ab") as file:
        file.write(json.dumps({"t": "ready"}).encode() + b"\n2\n")
    wait_until(lambda: intake.is_ready, "ready")
    intake.finish()
    assert (seen.numbers, intake.broken) == ([1, 2], 0)
