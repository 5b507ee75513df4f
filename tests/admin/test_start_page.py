"""The first page: what goes on, what ended last, what can be started."""

import pytest
from django.test import Client
from django.urls import reverse

from portal.core.access import Role
from portal.core.run_state import RunState
from portal.core.verdict import Outcome
from tests.builders import a_run, a_scenario, a_user, an_ended_run, live_progress

pytestmark = pytest.mark.django_db
START = reverse("admin:index")


def start(browser: Client) -> str:
    answer = browser.get(START)
    assert answer.status_code == 200
    return str(answer.content.decode())


def of(role: Role | None) -> Client:
    client = Client()
    client.force_login(a_user("eve", role=role, is_staff=True))
    return client


def test_runs_that_go_on_and_the_last_that_ended_are_shown_with_their_numbers(browser: Client) -> None:
    running = a_run(state="running", progress=live_progress())
    ended = an_ended_run(Outcome.FAILED)
    html = start(browser)
    for run, number in ((running, "1,824"), (ended, "8,333")):
        assert reverse("admin:portal_run_change", args=(run.id,)) in html
        assert number in html
    assert html.index("Going on") < html.index("Ended last")
    assert "failed" in html


def test_a_run_that_waits_for_approval_says_so(browser: Client) -> None:
    a_run(state=RunState.AWAITING_APPROVAL)
    assert "awaiting approval" in start(browser)


@pytest.mark.parametrize(("role", "may"), [(Role.RUNNER, True), (Role.VIEWER, False)])
def test_a_scenario_is_started_by_a_button_of_whoever_may(role: Role, may: bool) -> None:
    run_now = reverse("admin:portal_scenario_run_now", args=(a_scenario(title="Browse").pk,))
    assert (f'hx-get="{run_now}"' in start(of(role))) is may


def test_scenarios_on_the_shelf_are_left_out(browser: Client) -> None:
    a_scenario("old", archived=True)
    assert ">old<" not in start(browser)


def test_an_empty_portal_says_how_to_begin(browser: Client) -> None:
    html = start(browser)
    assert "No scenario yet." in html
    assert reverse("admin:portal_scenario_add") in html
    assert "No run has ended yet." in html
    assert "Going on" not in html


def test_who_may_see_no_runs_sees_none() -> None:
    run = an_ended_run()
    assert run.id not in start(of(None))
