"""The reports of a run for who is logged in; the API's are tested with the API."""

from __future__ import annotations

import json

import pytest
from django.test import Client
from django.urls import reverse

from portal.core.verdict import Outcome
from tests.builders import a_run, a_user, an_ended_run

pytestmark = pytest.mark.django_db


def address(run_id: str, ending: str) -> str:
    return reverse("admin:portal_run_report", args=(run_id, ending))


@pytest.mark.parametrize(
    ("ending", "media_type", "way", "words"),
    [
        ("html", "text/html; charset=utf-8", "inline", "http_req_duration p(95)&lt;300"),
        ("csv", "text/csv; charset=utf-8", "attachment", "GET /products"),
        ("json", "application/json", "inline", '"verdict": "failed"'),
        ("xml", "application/xml", "attachment", "<testsuite"),
    ],
)
def test_the_page_of_an_ended_run_hands_out_each_report(
    browser: Client, ending: str, media_type: str, way: str, words: str
) -> None:
    run = an_ended_run(Outcome.FAILED)
    page = browser.get(reverse("admin:portal_run_change", args=(run.id,))).content.decode()
    assert f'href="{address(run.id, ending)}"' in page
    answer = browser.get(address(run.id, ending))
    assert (answer.status_code, answer["Content-Type"]) == (200, media_type)
    assert answer["Content-Disposition"] == f'{way}; filename="{run.id}.{ending}"'
    assert words in answer.content.decode()


def test_the_report_is_the_one_of_the_api(browser: Client, api: Client) -> None:
    run = an_ended_run()
    there = api.get(f"/load-tests/{run.id}/report.json").json()
    assert json.loads(browser.get(address(run.id, "json")).content) == there


def test_a_run_that_goes_on_offers_no_report_yet(browser: Client) -> None:
    run = a_run(state="running")
    page = browser.get(reverse("admin:portal_run_change", args=(run.id,))).content.decode()
    assert address(run.id, "html") not in page


def test_what_is_none_is_not_found(browser: Client) -> None:
    assert browser.get(address(an_ended_run().id, "exe")).status_code == 404
    assert browser.get(address("20260101-00000000", "html")).status_code == 404


def test_a_report_is_for_those_who_may_see_the_run() -> None:
    client = Client()
    client.force_login(a_user(role=None, is_staff=True))
    assert client.get(address(an_ended_run().id, "html")).status_code == 404
