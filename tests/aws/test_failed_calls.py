"""The queue of calls that Lambda gave up: read rarely and in batches, forgotten once noted, and never in anybody's way."""

from __future__ import annotations

import pytest
from botocore.stub import Stubber

from portal.aws.errors import AwsDenied, AwsError, AwsUnavailable
from portal.aws.failed_calls import AT_FIRST, AT_MOST, EVERY_SECONDS, HIDDEN_SECONDS, MOST_BATCHES, MOST_DELIVERIES, FailedCalls
from portal.aws.session import place_client
from portal.aws.sqs import BATCH, Message, QueueDoor
from portal.core.failed_call import FailedCall
from tests.backends.lambda_place import FakeQueue, a_record
from tests.backends.places import PLACE
from tests.fakes import FakeClock

URL = PLACE.queue_url


class Reader:
    """What was noted of a queue; `refuses`: slots that have no row yet."""

    def __init__(self, url: str = URL) -> None:
        self.clock = FakeClock()
        self.queue = FakeQueue(self.clock)
        self.noted: list[int] = []
        self.refuses: set[int] = set()
        self._calls = FailedCalls(self.queue, url, self.clock)

    def put(self, *slots: int) -> None:
        for slot in slots:
            self.queue.put(a_record(self.clock.now(), run="run1", slot=slot, epoch=1))

    def read(self, after: float = EVERY_SECONDS) -> list[int]:
        self.clock.advance(after)
        self._calls.read(self._note)
        return self.noted

    def _note(self, call: FailedCall) -> bool:
        if call.slot in self.refuses:
            return False
        self.noted.append(call.slot)
        return True


def test_what_is_noted_is_gone_from_the_queue() -> None:
    reader = Reader()
    reader.put(3, 5)
    assert reader.read() == [3, 5]
    assert reader.queue.bodies == {}


def test_the_queue_is_asked_every_few_seconds_however_many_runs_look() -> None:
    reader = Reader()
    for _ in range(20):
        reader.read(after=0.25)
    assert reader.queue.receives == 2
    assert Reader(url="").read() == []


def test_many_records_are_read_in_batches_and_a_flood_over_several_readings() -> None:
    reader = Reader()
    reader.put(*range(BATCH * MOST_BATCHES + 1))
    assert len(reader.read()) == BATCH * MOST_BATCHES
    assert len(reader.read()) == BATCH * MOST_BATCHES + 1
    assert reader.noted == sorted(reader.noted)


def test_what_cannot_be_used_yet_comes_again() -> None:
    reader = Reader()
    reader.put(0, 1)
    reader.refuses = {0}
    assert reader.read() == [1]
    reader.refuses = set()
    assert reader.read() == [1], "hidden"
    assert reader.read(after=HIDDEN_SECONDS) == [1, 0]
    assert reader.queue.bodies == {}


def test_what_nobody_can_read_keeps_no_other_waiting_and_does_not_come_for_ever() -> None:
    reader = Reader()
    reader.queue.put("no record")
    reader.put(4)
    assert reader.read() == [4]
    for _ in range(MOST_DELIVERIES - 2):
        reader.read(after=HIDDEN_SECONDS)
    assert len(reader.queue.bodies) == 1, "a stack's queue puts it aside before that"
    reader.read(after=HIDDEN_SECONDS)
    assert reader.queue.bodies == {}


def test_a_queue_that_cannot_be_read_is_asked_ever_more_rarely_and_nobody_stumbles() -> None:
    reader = Reader()
    reader.queue.away = AwsDenied("sqs:ReceiveMessage: No.", operation="sqs:ReceiveMessage", reason="AccessDenied")
    reader.read()
    reader.read(after=AT_FIRST - 1)
    assert reader.queue.receives == 1
    reader.read(after=1)
    reader.read(after=AT_FIRST)
    assert reader.queue.receives == 2
    for _ in range(9):
        reader.read(after=AT_MOST)
    reader.queue.away = None
    reader.put(1)
    assert reader.read(after=AT_MOST) == [1]
    reader.put(2)
    assert reader.read(after=EVERY_SECONDS) == [1, 2]


@pytest.mark.usefixtures("_keys")
def test_messages_are_asked_for_without_waiting_and_deleted_together() -> None:
    client = place_client(PLACE, "sqs")
    asked = {"QueueUrl": URL, "MaxNumberOfMessages": 10, "WaitTimeSeconds": 0, "VisibilityTimeout": 10,
             "MessageSystemAttributeNames": ["ApproximateReceiveCount"]}  # fmt: skip
    given = [{"Body": "{}", "ReceiptHandle": "h-1", "Attributes": {"ApproximateReceiveCount": "2"}}]
    entries = {"QueueUrl": URL, "Entries": [{"Id": "0", "ReceiptHandle": "h-1"}]}
    with Stubber(client) as stubber:
        stubber.add_response("receive_message", {"Messages": given}, asked)
        stubber.add_response("delete_message_batch", {"Successful": [{"Id": "0"}], "Failed": []}, entries)
        stubber.add_response("receive_message", {}, asked)
        door = QueueDoor(client)
        messages = door.receive(URL, hidden_seconds=10)
        assert messages == (Message("{}", "h-1", 2),)
        door.delete(URL, messages)
        assert door.receive(URL, hidden_seconds=10) == ()


@pytest.mark.usefixtures("_keys")
@pytest.mark.parametrize(("code", "status", "kind"), [("AccessDenied", 403, AwsDenied), ("Throttling", 400, AwsUnavailable)])
def test_what_sqs_refuses_is_told_apart(code: str, status: int, kind: type[AwsError]) -> None:
    client = place_client(PLACE, "sqs")
    with Stubber(client) as stubber:
        stubber.add_client_error("receive_message", code, "No.", status)
        with pytest.raises(kind):
            QueueDoor(client).receive(URL, hidden_seconds=10)


@pytest.mark.usefixtures("_keys")
def test_a_message_that_is_left_is_an_error_and_nothing_is_sent_twice() -> None:
    client = place_client(PLACE, "sqs")
    failed = [{"Id": "0", "SenderFault": False, "Code": "InternalError"}]
    with Stubber(client) as stubber:
        stubber.add_response("delete_message_batch", {"Successful": [], "Failed": failed})
        with pytest.raises(AwsUnavailable, match="1 of 1 messages were left"):
            QueueDoor(client).delete(URL, (Message("{}", "h-1", 1),))
    assert QueueDoor.of(PLACE)._sqs.meta.config.retries["total_max_attempts"] == 1
