"""Approve and Kill switch in the admin: dialogs that say what will happen, and only a POST makes it so."""

import pytest
from django.test import Client
from django.urls import reverse

from portal.core.run_state import RunState
from portal.models import KillSwitch
from tests.builders import a_run

pytestmark = pytest.mark.django_db
SWITCH = reverse("admin:portal_run_kill_switch")


def test_the_plan_is_shown_and_approved_as_it_was_seen(browser: Client) -> None:
    run = a_run(state=RunState.AWAITING_APPROVAL)
    approve = reverse("admin:portal_run_approve", args=(run.id,))
    form = browser.get(approve).context["form"]
    answer = browser.post(approve, {"digest": form.initial["digest"], "_form_submitted": "True"})
    run.refresh_from_db()
    assert answer["HX-Redirect"] == reverse("admin:portal_run_change", args=(run.id,))
    assert (run.state, run.approved_by) == (RunState.LAUNCHING, "root")


def test_ones_own_run_is_refused_in_the_dialog(browser: Client) -> None:
    run = a_run(state=RunState.AWAITING_APPROVAL, requested_by="root")
    approve = reverse("admin:portal_run_approve", args=(run.id,))
    digest = browser.get(approve).context["form"].initial["digest"]
    answer = browser.post(approve, {"digest": digest, "_form_submitted": "True"})
    assert "somebody else" in answer.content.decode()


def test_the_button_is_on_the_list_and_flips_the_switch_both_ways(browser: Client) -> None:
    run = a_run()
    assert SWITCH in browser.get(reverse("admin:portal_run_changelist")).content.decode()
    browser.get(SWITCH)
    assert not KillSwitch.objects.exists()
    browser.post(SWITCH, {"reason": "drill", "_form_submitted": "True"})
    run.refresh_from_db()
    assert (KillSwitch.objects.get().by, run.end_reason) == ("root", "stopped_by_user")
    assert "drill" in browser.get(SWITCH).content.decode()
    browser.post(SWITCH, {"_form_submitted": "True"})
    assert not KillSwitch.objects.exists()


def test_while_the_switch_is_on_every_page_says_so_and_the_dialog_offers_to_lift_it(browser: Client) -> None:
    pages = [reverse("admin:portal_run_changelist"), reverse("admin:index"), reverse("admin:portal_scenario_changelist")]
    dialog = browser.get(SWITCH).content.decode()
    assert "Stop everything?" in dialog
    assert "No run goes on." in dialog
    assert not any("Kill switch is on" in browser.get(page).content.decode() for page in pages)
    browser.post(SWITCH, {"reason": "drill", "_form_submitted": "True"})
    assert all("Kill switch is on" in browser.get(page).content.decode() for page in pages)
    assert "drill" in browser.get(pages[0]).content.decode()
    dialog = browser.get(SWITCH).content.decode()
    assert "Lift the kill switch?" in dialog
    assert 'name="reason"' not in dialog


def test_a_run_that_waits_says_for_whom_and_how_long(browser: Client) -> None:
    run = a_run(state=RunState.AWAITING_APPROVAL)
    html = browser.get(reverse("admin:portal_run_change", args=(run.id,))).content.decode()
    assert "ada asked for this run. Somebody else who may approve runs has to release it within 24 hours" in html
