"""The door to S3 against what S3 answers (Stubber) and against nobody at all (a closed port)."""

from __future__ import annotations

import io
import socket
from collections.abc import Iterator

import pytest
from botocore.response import StreamingBody
from botocore.stub import Stubber

from portal.aws.errors import AwsDenied, AwsMissing, AwsRefused, AwsThrottled, AwsUnavailable
from portal.aws.s3 import CONFLICTS, S3Door
from portal.aws.session import client


@pytest.fixture(autouse=True)
def _credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")


@pytest.fixture
def stubbed() -> Iterator[tuple[S3Door, Stubber]]:
    s3 = client("s3", region="eu-central-1")
    with Stubber(s3) as stubber:
        yield S3Door(s3), stubber
        stubber.assert_no_pending_responses()


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [("SlowDown", 503, AwsThrottled), ("AccessDenied", 403, AwsDenied), ("NoSuchBucket", 404, AwsMissing),
     ("InternalError", 500, AwsUnavailable), ("EntityTooLarge", 400, AwsRefused)],
)  # fmt: skip
def test_refusals_become_our_errors(stubbed: tuple[S3Door, Stubber], code: str, status: int, kind: type[Exception]) -> None:
    door, stubber = stubbed
    for operation in ("put_object", "put_object", "get_object", "list_objects_v2", "list_objects_v2"):
        stubber.add_client_error(operation, code, "No.", status)
    with pytest.raises(kind):
        door.put("b", "k", b"")
    with pytest.raises(kind):
        door.put_new("b", "k", b"")
    with pytest.raises(kind):
        door.get("b", "k")
    with pytest.raises(kind):
        door.list("b", "k")
    with pytest.raises(kind):
        door.delete("b", "k")


def test_a_missing_key_is_none(stubbed: tuple[S3Door, Stubber]) -> None:
    door, stubber = stubbed
    stubber.add_client_error("get_object", "NoSuchKey", "No.", 404)
    assert door.get("b", "k") is None


def test_put_new_asks_s3_to_decide(stubbed: tuple[S3Door, Stubber]) -> None:
    door, stubber = stubbed
    stubber.add_response("put_object", {}, {"Bucket": "b", "Key": "k", "Body": b"x", "IfNoneMatch": "*"})
    assert door.put_new("b", "k", b"x")


def test_an_existing_key_loses(stubbed: tuple[S3Door, Stubber]) -> None:
    door, stubber = stubbed
    stubber.add_client_error("put_object", "PreconditionFailed", "No.", 412)
    assert not door.put_new("b", "k", b"x")


def test_crossing_writes_are_asked_again(stubbed: tuple[S3Door, Stubber]) -> None:
    door, stubber = stubbed
    stubber.add_client_error("put_object", "ConditionalRequestConflict", "Again.", 409)
    stubber.add_client_error("put_object", "PreconditionFailed", "No.", 412)
    assert not door.put_new("b", "k", b"x")


def test_writes_that_cross_for_ever_are_given_up(stubbed: tuple[S3Door, Stubber]) -> None:
    door, stubber = stubbed
    for _ in range(CONFLICTS):
        stubber.add_client_error("put_object", "ConditionalRequestConflict", "Again.", 409)
    with pytest.raises(AwsUnavailable):
        door.put_new("b", "k", b"x")


def test_all_pages_are_listed(stubbed: tuple[S3Door, Stubber]) -> None:
    door, stubber = stubbed
    first = {"IsTruncated": True, "NextContinuationToken": "t", "Contents": [{"Key": "a/1"}]}
    stubber.add_response("list_objects_v2", first, {"Bucket": "b", "Prefix": "a/"})
    second = {"IsTruncated": False, "Contents": [{"Key": "a/2"}]}
    stubber.add_response("list_objects_v2", second, {"Bucket": "b", "Prefix": "a/", "ContinuationToken": "t"})
    assert door.list("b", "a/") == ("a/1", "a/2")


def test_what_could_not_be_deleted_is_not_kept_quiet(stubbed: tuple[S3Door, Stubber]) -> None:
    door, stubber = stubbed
    stubber.add_response("list_objects_v2", {"IsTruncated": False, "Contents": [{"Key": "a/1"}]})
    stubber.add_response("delete_objects", {"Errors": [{"Key": "a/1", "Code": "AccessDenied", "Message": "No."}]})
    with pytest.raises(AwsRefused, match="a/1 stays: No"):
        door.delete("b", "a/")


def test_a_connection_cut_within_an_answer_is_unavailable(stubbed: tuple[S3Door, Stubber]) -> None:
    door, stubber = stubbed
    stubber.add_response("get_object", {"Body": StreamingBody(io.BytesIO(b"half"), 8)})
    with pytest.raises(AwsUnavailable):
        door.get("b", "k")


def test_a_closed_port_is_unavailable() -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        # Bound but not listening: the port stays ours and refuses connections.
        endpoint = f"http://127.0.0.1:{held.getsockname()[1]}"
        door = S3Door(client("s3", region="eu-central-1", endpoint_url=endpoint))
        with pytest.raises(AwsUnavailable):
            door.get("b", "k")
