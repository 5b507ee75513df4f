"""What a worker said: from CloudWatch and from the run's store, and a sentence for whatever cannot be read."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import Any  # Any: columns by name

import pytest

from portal.aws.errors import AwsDenied, AwsMissing
from portal.core.errors import NotFound, PortalError, StoreUnavailable
from portal.core.run_state import RunState
from portal.core.worker_logs import LogLine, LogPlace, Span
from portal.models import Run, Worker
from portal.usecases.census import take_census
from portal.usecases.read_run import results_of
from portal.usecases.read_worker_log import AT_ONCE, read_worker_log
from portal.wiring import Parts
from tests.usecases.parts import Scene
from tests.usecases.workers import FakeWorker, workers_of

pytestmark = pytest.mark.django_db
AWS = {"region": "eu-central-1", "bucket": "results", "function": "runner", "log_prefix": "/knopfdruck/dev"}
GROUP, STREAM = "/knopfdruck/dev/lambda", "2026/11/29/[3]0a1b"
MISSING = AwsMissing("logs:GetLogEvents: There is none.", operation="logs:GetLogEvents", reason="ResourceNotFoundException")
DENIED = AwsDenied("logs:FilterLogEvents: No.", operation="logs:FilterLogEvents", reason="AccessDeniedException",
                   hint="Allow logs:FilterLogEvents in the policy of this role or user.")  # fmt: skip


@dataclass
class FakeLogs:
    """Streams by name, whose lines are also their group's; `errors` by what is asked."""

    streams: dict[str, list[LogLine]] = field(default_factory=dict)
    errors: dict[str, PortalError] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def tail(self, at: LogPlace, span: Span, *, most: int) -> tuple[LogLine, ...]:
        self.asked.append("tail")
        if error := self.errors.get("tail"):
            raise error
        if at.stream not in self.streams:
            raise MISSING
        return tuple(line for line in self.streams[at.stream] if span.since <= line.at <= span.until)[-most:]

    def about(self, group: str, word: str, span: Span) -> tuple[LogLine, ...]:
        self.asked.append("about")
        if error := self.errors.get("about"):
            raise error
        return tuple(line for lines in self.streams.values() for line in lines if word in line.text)


class Said:
    """A run in AWS whose second worker is asked for."""

    def __init__(self, aws: dict[str, Any] | None = None) -> None:
        self.scene, self.logs = Scene(), FakeLogs()
        self.run: Run = self.scene.run(RunState.RUNNING, workers=2, columns={"aws": AWS if aws is None else aws})
        _, self.worker = workers_of(self.scene, self.run)

    def row(self, **columns: Any) -> None:
        Worker.objects.filter(run=self.run, slot=1).update(**columns)

    def line(self, stream: str, text: str, **fields: Any) -> None:
        words = json.dumps({"event": text, "run": self.run.id, "slot": 1, **fields})
        self.logs.streams.setdefault(stream, []).append(LogLine(self.scene.clock.now(), words))

    @property
    def parts(self) -> Parts:
        return replace(self.scene.parts, logs=lambda place: self.logs)

    def read(self, **options: int) -> dict[str, Any]:
        return read_worker_log(self.run, 1, self.parts, **options)

    def texts(self, **options: int) -> list[str]:
        return [json.loads(line["text"])["event"] for line in self.read(**options)["lines"]]


def test_the_last_lines_of_the_worker_s_own_stream() -> None:
    said = Said()
    said.row(log_stream=STREAM)
    for number in range(5):
        said.line(STREAM, f"line {number}")
    assert said.texts(most=2) == ["line 3", "line 4"]
    found = said.read()
    assert (found["log"]["group"], found["log"]["stream"], found["note"]) == (GROUP, STREAM, "")
    assert found["log"]["url"].endswith("$255B3$255D0a1b")
    assert said.logs.asked == ["tail", "tail"]


def test_lines_of_another_time_in_a_stream_that_lives_longer_are_left_out() -> None:
    said = Said()
    said.row(log_stream=STREAM)
    said.logs.streams[STREAM] = [LogLine(said.scene.clock.now() - 3600, '{"event": "another run"}')]
    said.line(STREAM, "mine")
    assert said.texts() == ["mine"]


def test_lines_of_others_in_a_stream_that_is_shared_are_left_out() -> None:
    """A worker of a pool holds several slots, and a warm function goes on with a slot as its next worker."""
    said = Said()
    said.row(log_stream=STREAM)
    said.line(STREAM, "mine", epoch=1)
    said.line(STREAM, "of another slot", slot=0)
    said.line(STREAM, "of the next worker", epoch=2)
    said.logs.streams[STREAM].append(LogLine(said.scene.clock.now(), "REPORT RequestId: 1"))
    assert [line["text"].partition(",")[0] for line in said.read()["lines"]] == ['{"event": "mine"', "REPORT RequestId: 1"]


def test_a_worker_that_told_nobody_its_stream_is_found_in_its_group() -> None:
    said = Said()
    said.line("some stream", "worker_begins")
    said.line("some stream", "of another slot", slot=0)
    said.line("other stream", "of another run", run="x")
    assert said.texts() == ["worker_begins"]
    assert said.read()["log"]["stream"] == ""
    said.row(log_stream="a stream that is not there yet")
    assert said.texts() == ["worker_begins"]


def test_the_stream_that_a_beat_tells_is_kept() -> None:
    said = Said()
    said.worker.beat(log=STREAM)
    take(said)
    assert said.read()["log"]["stream"] == STREAM
    said.worker.beat()
    take(said)
    assert results_of(said.run)["workers"][1]["log"]["stream"] == STREAM


def take(said: Said) -> None:
    take_census(said.run, said.scene.store(said.run), said.scene.backend, said.scene.clock.now())


@pytest.mark.parametrize(
    ("errors", "note"),
    [
        ({}, "CloudWatch has nothing of this worker yet."),
        ({"tail": MISSING, "about": MISSING}, f"CloudWatch has no log group {GROUP}."),
        (
            {"tail": DENIED, "about": DENIED},
            "logs:FilterLogEvents: No. Allow logs:FilterLogEvents in the policy of this role or user.",
        ),
    ],
)
def test_what_cannot_be_read_is_said_and_nothing_breaks(errors: dict[str, PortalError], note: str) -> None:
    said = Said()
    said.row(log_stream=STREAM)
    said.logs.errors = errors
    found = said.read()
    assert (found["lines"], found["note"], found["log"]["group"]) == ([], note, GROUP)


def test_a_place_without_log_groups_says_so() -> None:
    said = Said({**AWS, "log_prefix": ""})
    assert (said.read()["log"], said.read()["note"]) == (None, "The environment names no log groups.")
    assert said.logs.asked == []


def test_what_the_engine_wrote_comes_from_the_store_on_every_backend() -> None:
    for aws in (AWS, {}):
        said = Said(aws)
        said.worker.says("first", "second")
        for number in range(AT_ONCE):
            said.worker.says(f"line {number}")
        assert said.read(most=1)["engine"] == [f"line {AT_ONCE - 1}"]
        assert said.read()["engine"][:3] == ["first", "second", "line 0"]
        said.worker.done(log_tail=("first (x 9)", "second", "last"))
        assert said.read()["engine"] == ["first (x 9)", "second", "last"]


def test_a_worker_of_this_machine_has_its_engine_s_log_and_nothing_else() -> None:
    said = Said({})
    said.worker.says("hello")
    found = said.read()
    assert (found["log"], found["lines"], found["engine"], found["note"]) == (None, [], ["hello"], "")
    assert said.logs.asked == []
    assert [worker["log"] for worker in results_of(said.run)["workers"]] == [None, None]


def test_a_store_that_is_away_is_said() -> None:
    said = Said({})
    said.scene.objects.error = StoreUnavailable("The store is away.")
    assert said.read()["note"] == "The run's store cannot be read: The store is away."


def test_the_newest_worker_of_a_slot_is_meant_unless_another_is_asked_for() -> None:
    said = Said({})
    said.worker.says("of the first")
    second: FakeWorker = said.worker.replaced()
    second.says("of the second")
    assert (said.read()["epoch"], said.read()["engine"]) == (2, ["of the second"])
    assert said.read(epoch=1)["engine"] == ["of the first"], "though it is long gone"


@pytest.mark.parametrize(("slot", "epoch"), [(7, 0), (1, 5)])
def test_a_worker_there_never_was_is_not_found(slot: int, epoch: int) -> None:
    said = Said()
    with pytest.raises(NotFound, match=f"no worker of slot {slot}"):
        read_worker_log(said.run, slot, said.parts, epoch=epoch)
