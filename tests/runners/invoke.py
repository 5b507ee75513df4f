"""Lambda's part of an invocation, as a process: `python -m tests.runners.invoke EVENT SECONDS SPARE` prints what was returned."""

from __future__ import annotations

import json
import sys
import time

from runner_images.aws_lambda import handler
from runner_images.json_log import say


class Context:
    aws_request_id = "request-1"

    def __init__(self, seconds: float) -> None:
        self._until = time.monotonic() + seconds

    def get_remaining_time_in_millis(self) -> int:
        return int(1000 * (self._until - time.monotonic()))


if __name__ == "__main__":
    event, seconds, spare = sys.argv[1:]
    handler.SPARE_SECONDS = float(spare)
    try:
        say("returned", value=handler.handle(json.loads(event), Context(float(seconds))))
    except handler.WorkerFailed as error:
        say("raised", message=str(error))
