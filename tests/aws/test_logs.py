"""The door to CloudWatch Logs: bounded answers, and its refusals told apart."""

from __future__ import annotations

from functools import partial
from typing import Any  # Any: botocore's answers

import pytest
from botocore.stub import Stubber

from portal.aws.errors import AwsDenied, AwsError, AwsMissing, AwsThrottled
from portal.aws.logs import LONGEST_LINE, MOST_PAGES, PAGE, LogDoor
from portal.aws.session import place_client
from portal.core.worker_logs import LogLine, LogPlace, Span
from tests.backends.places import PLACE

pytestmark = pytest.mark.usefixtures("_keys")
AT = LogPlace("/knopfdruck/dev/lambda", "2026/11/29/[3]0a1b")
SPAN = Span(1000.0, 2000.5)


def event(at: float, text: str) -> dict[str, Any]:
    return {"timestamp": int(at * 1000), "message": text, "ingestionTime": 0}


def test_the_last_lines_of_a_stream_are_those_of_the_time_asked_for() -> None:
    client = place_client(PLACE, "logs")
    asked = {"logGroupName": AT.group, "logStreamName": AT.stream, "limit": 2, "startFromHead": False, "startTime": 1_000_000,
             "endTime": 2_000_500}  # fmt: skip
    events = [event(1, "first"), event(2, "second\n"), event(3, "x" * 9000)]
    with Stubber(client) as stubber:
        stubber.add_response("get_log_events", {"events": events}, asked)
        lines = LogDoor(client).tail(AT, SPAN, most=2)
    assert lines == (LogLine(2.0, "second"), LogLine(3.0, "x" * LONGEST_LINE))


def test_a_group_is_searched_for_a_word_over_a_few_pages_and_no_more() -> None:
    client = place_client(PLACE, "logs")
    asked = {"logGroupName": AT.group, "filterPattern": '"run-1"', "limit": PAGE, "startTime": 1_000_000, "endTime": 2_000_500}
    with Stubber(client) as stubber:
        for page in range(MOST_PAGES):
            more = {"nextToken": f"t-{page - 1}"} if page else {}
            answer = {"events": [event(page, str(page))] if page != 1 else [], "nextToken": f"t-{page}"}
            stubber.add_response("filter_log_events", answer, {**asked, **more})
        lines = LogDoor(client).about(AT.group, "run-1", SPAN)
        stubber.assert_no_pending_responses()
    assert [line.text for line in lines] == ["0", "2", "3", "4"], "an empty page is not the last"


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [("ResourceNotFoundException", 400, AwsMissing), ("AccessDeniedException", 400, AwsDenied),
     ("ThrottlingException", 400, AwsThrottled)],
)  # fmt: skip
@pytest.mark.parametrize("operation", ["get_log_events", "filter_log_events"])
def test_what_cloudwatch_refuses_is_told_apart(operation: str, code: str, status: int, kind: type[AwsError]) -> None:
    client = place_client(PLACE, "logs")
    with Stubber(client) as stubber:
        for _ in range(3):
            stubber.add_client_error(operation, code, "No.", status)
        door = LogDoor(client)
        ask = partial(door.tail, AT, SPAN, most=5) if operation == "get_log_events" else partial(door.about, AT.group, "r", SPAN)
        with pytest.raises(kind):
            ask()
