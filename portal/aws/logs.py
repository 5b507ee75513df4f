"""The door to CloudWatch Logs: the last lines of a stream, or those of a group in which a word stands. Raises AwsError only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any  # Any: boto3's clients, for which we have no stubs

from portal.aws.errors import translated
from portal.aws.session import place_client
from portal.core.aws_place import AwsPlace
from portal.core.worker_logs import LogLine, LogPlace, Span

LONGEST_LINE = 2000
PAGE, MOST_PAGES = 1000, 5
"""Lines of one answer, and answers, when a whole group is searched."""


class LogDoor:
    def __init__(self, logs: Any) -> None:
        self._logs = logs

    @classmethod
    def of(cls, place: AwsPlace) -> LogDoor:
        return cls(place_client(place, "logs"))

    def tail(self, at: LogPlace, span: Span, *, most: int) -> tuple[LogLine, ...]:
        """The newest of them, oldest first. Raises AwsMissing where there is no such group or stream (yet)."""
        with translated("logs:GetLogEvents"):
            answer = self._logs.get_log_events(
                logGroupName=at.group, logStreamName=at.stream, limit=most, startFromHead=False, **_times(span)
            )
        return _lines(answer["events"])[-most:]

    def about(self, group: str, word: str, span: Span) -> tuple[LogLine, ...]:
        """Those that contain the word, oldest first; of a flood the first few thousand."""
        found: list[LogLine] = []
        more: dict[str, str] = {}
        for _ in range(MOST_PAGES):
            with translated("logs:FilterLogEvents"):
                answer = self._logs.filter_log_events(
                    logGroupName=group, filterPattern=f'"{word}"', limit=PAGE, **_times(span), **more
                )
            found += _lines(answer["events"])
            if not (token := answer.get("nextToken")):
                break
            more = {"nextToken": token}
        return tuple(found)


def _times(span: Span) -> dict[str, int]:
    return {"startTime": int(span.since * 1000), "endTime": int(span.until * 1000)}


def _lines(events: Iterable[Mapping[str, Any]]) -> tuple[LogLine, ...]:
    return tuple(LogLine(event["timestamp"] / 1000, event["message"].rstrip()[:LONGEST_LINE]) for event in events)
