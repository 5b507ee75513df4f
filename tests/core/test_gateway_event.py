"""Who calls through API Gateway, and what an event of EventBridge starts."""

from __future__ import annotations

import json

import pytest

from portal.core.errors import RequestRejected
from portal.core.gateway_event import iam_caller, is_http, start_of

OURS = "123456789012"


@pytest.mark.parametrize(
    ("arn", "caller"),
    [
        (f"arn:aws:iam::{OURS}:user/ada", "ada"),
        (f"arn:aws:iam::{OURS}:user/team/load/ada", "ada"),
        (f"arn:aws:sts::{OURS}:assumed-role/deployer/some-session", "deployer"),
        (f"arn:aws-cn:sts::{OURS}:assumed-role/deployer/ada", "deployer"),
        ("arn:aws:iam::999999999999:user/ada", ""),
        (f"arn:aws:iam::{OURS}:root", ""),
        (f"arn:aws:iam::{OURS}:user/ada\nx", ""),
        ("", ""),
    ],
)
def test_a_caller_by_iam_is_a_user_only_within_the_account(arn: str, caller: str) -> None:
    assert iam_caller({"accountId": OURS, "identity": {"userArn": arn}}) == caller


def test_without_iam_nobody_is_named() -> None:
    assert iam_caller({"accountId": OURS, "identity": {"apiKeyId": "k"}}) == ""
    assert iam_caller({}) == ""


def test_an_event_becomes_a_start_that_can_be_delivered_twice() -> None:
    event = {"id": "e-1", "source": "shop.deployed", "detail": {"backend": "lambda", "scenario": "smoke", "environment": "aws"}}
    assert not is_http(event)
    call = start_of(event)
    assert is_http(call)
    assert call["path"] == "/load-tests/lambda/start"
    assert json.loads(call["body"]) == {"scenario": "smoke", "environment": "aws"}
    assert call["multiValueHeaders"]["Idempotency-Key"] == ["event-e-1"]


@pytest.mark.parametrize(
    "event", [{}, {"id": "1"}, {"id": "1", "detail": {"backend": "mainframe"}}, {"detail": {"backend": "lambda"}}]
)
def test_an_event_that_starts_nothing_is_refused(event: dict[str, object]) -> None:
    with pytest.raises(RequestRejected, match="detail"):
        start_of(event)
