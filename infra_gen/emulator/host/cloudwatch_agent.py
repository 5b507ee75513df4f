"""The CloudWatch agent of an emulated instance: ships the files that the image's own cloudwatch.json names, by the role of the
instance. Started as soon as one of them is there, because its client costs more than everything else an idle instance does.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3

from infra_gen.emulator.host.units import CHECKOUT, read_environment

CONFIGURATION = CHECKOUT / "runner_images" / "ec2" / "cloudwatch.json"
FLUSH_SECONDS = 1.0
MOST_EVENTS, MOST_BYTES = 1000, 500_000


@dataclass
class Collected:
    """One file, and how much of it has been shipped."""

    path: Path
    group: str
    stream: str
    offset: int = 0
    has_stream: bool = False

    def ship(self, logs: Any) -> None:
        """What cannot be shipped now is tried again with the next."""
        if not self.has_stream and self.path.exists():
            _make_stream(logs, self.group, self.stream)
            self.has_stream = True
        for lines, end in self._batches():
            now = int(time.time() * 1000)
            events = [{"timestamp": now, "message": line} for line in lines if line]
            if events:
                logs.put_log_events(logGroupName=self.group, logStreamName=self.stream, logEvents=events)
            self.offset = end

    def _batches(self) -> Iterator[tuple[list[str], int]]:
        """Whole lines alone: the rest of one may still come."""
        if not self.path.exists():
            return
        with self.path.open("rb") as file:
            file.seek(self.offset)
            while chunk := file.readlines(MOST_BYTES):
                whole = [line for line in chunk if line.endswith(b"\n")]
                end = self.offset
                for start in range(0, len(whole), MOST_EVENTS):
                    some = whole[start : start + MOST_EVENTS]
                    end += sum(map(len, some))
                    yield [line.decode("utf-8", "replace").rstrip("\n") for line in some], end


def collected(root: Path) -> list[Collected]:
    """As the image's build fills the configuration in: with the name of the environment."""
    environment = read_environment((root / "etc/knopfdruck/worker.env").read_text())["KNOPFDRUCK_ENVIRONMENT"]
    document = json.loads(CONFIGURATION.read_text().replace("ENVIRONMENT", environment))
    instance = os.environ["KNOPFDRUCK_INSTANCE"]
    return [
        Collected(
            root / entry["file_path"].lstrip("/"),
            entry["log_group_name"],
            entry["log_stream_name"].replace("{instance_id}", instance),
        )
        for entry in document["logs"]["logs_collected"]["files"]["collect_list"]
    ]


def _make_stream(logs: Any, group: str, stream: str) -> None:
    try:
        logs.create_log_stream(logGroupName=group, logStreamName=stream)
    except logs.exceptions.ResourceAlreadyExistsException:
        return


def main(root: Path) -> None:
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    make: Any = boto3.client  # typed by service name
    logs = make("logs")
    files = collected(root)
    while True:
        is_last = ended.wait(FLUSH_SECONDS)
        for file in files:
            try:
                file.ship(logs)
            except Exception as error:
                print(f"{file.path}: {error}", file=sys.stderr, flush=True)
        if is_last:
            return


if __name__ == "__main__":
    main(Path(sys.argv[1]))
