"""The queue of calls that Lambda gave up, read every few seconds by whoever watches runs. Never raises for AWS's sake: a
queue that cannot be read is asked more and more rarely, and workers that nobody told of are missed by their heartbeat."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from portal.aws.errors import AwsError
from portal.aws.sqs import BATCH, Message, QueueDoor
from portal.core.errors import WireInvalid
from portal.core.failed_call import FailedCall, read_failed_call
from portal.core.ports import Clock

log = logging.getLogger("portal.lambda")
EVERY_SECONDS = 3.0
AT_FIRST, AT_MOST = 60.0, 600.0
"""Seconds until a queue that could not be read is asked again."""
MOST_BATCHES = 10
"""In one reading."""
HIDDEN_SECONDS = 10
"""What could not be used yet comes again after so long."""
MOST_DELIVERIES = 6
"""The queue of our stack puts a message that nobody could use aside after five; here those of another queue end."""


class FailedCalls:
    """Of one queue; no `url`: there is none. Safe between threads, one of which reads."""

    def __init__(self, door: QueueDoor, url: str, clock: Clock) -> None:
        self._door, self._url, self._clock = door, url, clock
        self._lock = threading.Lock()
        self._next_at = 0.0
        self._failures = 0

    def read(self, note: Callable[[FailedCall], bool]) -> None:
        """`note` says whether a call is noted, and may be forgotten here; it is called again for one whose deletion failed."""
        if not self._url or not self._is_due():
            return
        try:
            for _ in range(MOST_BATCHES):
                if not self._read_batch(note):
                    break
        except AwsError as error:
            self._failures += 1
            pause = min(AT_FIRST * 2 ** (self._failures - 1), AT_MOST)
            self._next_at = self._clock.now() + pause
            log.warning("failed_calls_unread pause=%.0f: %s", pause, error.message)
        else:
            self._failures = 0

    def _is_due(self) -> bool:
        with self._lock:
            now = self._clock.now()
            is_due = now >= self._next_at
            if is_due:
                self._next_at = now + EVERY_SECONDS
            return is_due

    def _read_batch(self, note: Callable[[FailedCall], bool]) -> bool:
        """Whether there may be more."""
        batch = self._door.receive(self._url, hidden_seconds=HIDDEN_SECONDS)
        used = tuple(message for message in batch if _use(message, note))
        if used:
            self._door.delete(self._url, used)
        return len(batch) == BATCH


def _use(message: Message, note: Callable[[FailedCall], bool]) -> bool:
    """Whether it is done with."""
    is_last = message.deliveries >= MOST_DELIVERIES
    try:
        call = read_failed_call(message.body)
    except WireInvalid as error:
        log.warning("failed_call_unreadable deliveries=%s deleted=%s: %s", message.deliveries, is_last, error.message)
        return is_last
    return note(call) or is_last
