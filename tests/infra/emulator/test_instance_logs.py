"""What the CloudWatch agent of an emulated instance ships: whole lines, once, to where the image's own configuration says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from infra_gen.emulator.host.cloudwatch_agent import MOST_EVENTS, collected


class Logs:
    """Takes what is put, unless it is told to fail."""

    exceptions = type("Exceptions", (), {"ResourceAlreadyExistsException": KeyError})

    def __init__(self) -> None:
        self.calls: list[list[str]] = []
        self.is_down = False

    def create_log_stream(self, **asked: str) -> None:
        self.stream = (asked["logGroupName"], asked["logStreamName"])

    def put_log_events(self, **asked: Any) -> None:
        if self.is_down:
            raise OSError("down")
        self.calls.append([event["message"] for event in asked["logEvents"]])


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The worker's log of an instance of the environment `dev`."""
    monkeypatch.setenv("KNOPFDRUCK_INSTANCE", "i-1")
    settings = tmp_path / "etc/knopfdruck/worker.env"
    settings.parent.mkdir(parents=True)
    settings.write_text("KNOPFDRUCK_ENVIRONMENT=dev\n")
    log = tmp_path / "var/log/knopfdruck/worker.log"
    log.parent.mkdir(parents=True)
    return log


def test_lines_are_shipped_once_and_only_when_they_are_whole(log: Path) -> None:
    (file,), logs = collected(log.parents[3]), Logs()
    file.ship(logs)
    assert logs.calls == []
    log.write_text("one\ntw")
    file.ship(logs)
    log.write_text("one\ntwo\n")
    file.ship(logs)
    file.ship(logs)
    assert (logs.calls, logs.stream) == ([["one"], ["two"]], ("/knopfdruck/dev/ec2", "i-1"))


def test_what_could_not_be_shipped_comes_with_the_next(log: Path) -> None:
    (file,), logs = collected(log.parents[3]), Logs()
    log.write_text("one\n")
    logs.is_down = True
    with pytest.raises(OSError, match="down"):
        file.ship(logs)
    logs.is_down = False
    file.ship(logs)
    assert logs.calls == [["one"]]


def test_many_lines_are_several_calls(log: Path) -> None:
    (file,), logs = collected(log.parents[3]), Logs()
    log.write_text("x\n" * (MOST_EVENTS + 1))
    file.ship(logs)
    assert [len(call) for call in logs.calls] == [MOST_EVENTS, 1]
