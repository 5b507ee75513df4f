from xml.etree import ElementTree

import pytest
from rest_framework.test import APIClient

from portal.core.verdict import Outcome
from portal.models import Scenario
from tests.builders import a_run, a_scenario, a_token, a_user, an_ended_run, an_environment

pytestmark = pytest.mark.django_db
PATH = "/badge/product.svg"


def said(client: APIClient, path: str = PATH) -> str:
    answer = client.get(path, headers={"Accept": "image/svg+xml"})
    assert (answer.status_code, answer["Content-Type"]) == (200, "image/svg+xml"), answer.content
    return str(ElementTree.fromstring(answer.content).get("aria-label"))


@pytest.mark.parametrize("outcome", list(Outcome))
def test_a_badge_tells_the_last_verdict_and_p95(api: APIClient, outcome: Outcome) -> None:
    an_ended_run(outcome)
    a_run(state="running")
    assert said(api) == f"product: {outcome}, p95 116 ms"


def test_a_scenario_without_runs_has_a_badge_too(api: APIClient) -> None:
    a_scenario()
    assert said(api) == "product: no runs"


def test_without_a_token_only_a_public_scenario_has_one() -> None:
    an_ended_run()
    hidden, unknown = APIClient().get(PATH), APIClient().get("/badge/unknown.svg")
    assert (hidden.status_code, hidden.content) == (404, unknown.content.replace(b"unknown", b"product"))
    Scenario.objects.update(public=True)
    assert said(APIClient()) == "product: passed, p95 116 ms"


def test_a_wrong_token_is_not_taken_for_none() -> None:
    a_scenario(public=True)
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION="Bearer kd_x_y")
    assert client.get(PATH).status_code == 401


def test_a_limited_token_sees_no_verdict_of_other_environments() -> None:
    an_ended_run(Outcome.FAILED)
    row, token = a_token(a_user(), everywhere=False)
    row.environments.add(an_environment("mine"))
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    assert said(client) == "product: no runs"


def test_a_badge_may_be_of_one_environment(api: APIClient) -> None:
    an_ended_run(Outcome.FAILED)
    an_ended_run(environment=an_environment("staging"))
    assert said(api, f"{PATH}?environment=local") == "product: failed, p95 116 ms"


def test_a_badge_is_kept_for_a_minute_and_not_sent_again_while_it_is_the_same() -> None:
    an_ended_run()
    Scenario.objects.update(public=True)
    first = APIClient().get(PATH)
    assert first["Cache-Control"] == "public, max-age=60"
    assert APIClient().get(PATH, HTTP_IF_NONE_MATCH=first["ETag"]).status_code == 304


@pytest.mark.parametrize("path", ["/badge/..%2fx.svg", "/badge/%00.svg", "/badge/PRODUCT.svg", "/badge/product.png", "/badge/"])
def test_anything_else_is_not_found(api: APIClient, path: str) -> None:
    answer = api.get(path)
    assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")
