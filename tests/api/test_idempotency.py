"""Two parallel posts of one key are one run: with real threads and real transactions, on whichever database the tests run."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.db import connections
from rest_framework.test import APIClient

from portal import queue
from portal.models import Run, RunEvent
from tests.builders import a_scenario, a_token, an_environment

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.engines]
BODY = {"scenario": "product", "environment": "local", "vus": 4, "duration": "10s"}
PATH = "/load-tests/lambda/start"


def at_once(calls: list[dict[str, Any]], token: str) -> list[Any]:
    """All calls leave together, each from a thread with a connection of its own."""
    barrier, answers = threading.Barrier(len(calls)), list[Any]()

    def call(body: dict[str, Any]) -> None:
        client = APIClient()
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
        barrier.wait(60)
        try:
            answers.append(client.post(PATH, body, format="json", headers={"Idempotency-Key": "k-1"}))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=call, args=(body,)) for body in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    return answers


@pytest.fixture
def token() -> str:
    a_scenario()
    an_environment()
    return a_token()[1]


def test_parallel_posts_with_one_key_and_body_start_one_run(token: str) -> None:
    answers = at_once([BODY] * 6, token)
    assert [answer.status_code for answer in answers] == [202] * 6
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert (Run.objects.count(), queue.waiting(), RunEvent.objects.count()) == (1, 1, 1)


def test_parallel_posts_with_one_key_and_different_bodies_start_one_run(token: str) -> None:
    answers = at_once([{**BODY, "vus": number} for number in range(1, 5)], token)
    assert sorted(answer.status_code for answer in answers) == [202, 409, 409, 409]
    assert (Run.objects.count(), queue.waiting()) == (1, 1)


def test_a_start_says_where_to_look_and_when(token: str) -> None:
    (answer,) = at_once([BODY], token)
    assert answer["Location"] == answer.json()["status_url"]
    assert int(answer["Retry-After"]) > 0
