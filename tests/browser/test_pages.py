"""The pages around a run as somebody sees them: the start page, lists, a comparison, an approval, the kill switch."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import PHONE, SHORT, Viewer

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

ADMIN, VERDICT = "/admin/portal", ".kd-verdict"
JUDGED = re.compile("Passed|Failed")
"""How fast a busy machine answers is not what these tests are about."""
PAGES = ("/admin/", f"{ADMIN}/run/", f"{ADMIN}/scenario/", f"{ADMIN}/environment/", f"{ADMIN}/auditentry/", f"{ADMIN}/nope/")


def overhang(page: Page) -> int:
    """By how many pixels the page is wider than the window."""
    return int(page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))


def test_no_page_scrolls_sideways_on_a_telephone(viewer: Viewer, ended: str) -> None:
    viewer.resize(PHONE)
    wide = {}
    for path in (*PAGES, f"{ADMIN}/run/{ended}/change/", f"{ADMIN}/run/{ended}/compare/"):
        viewer.page.goto(viewer.portal.url + path)
        wide[path] = overhang(viewer.page)
    viewer.complaints.clear()  # Chromium reports the page that is not there.
    assert {path: pixels for path, pixels in wide.items() if pixels} == {}


def test_the_id_of_a_run_stands_on_one_line_of_the_list(viewer: Viewer, ended: str) -> None:
    viewer.page.set_viewport_size({"width": 1400, "height": 900})
    viewer.page.goto(f"{viewer.portal.url}{ADMIN}/run/")
    link = viewer.page.get_by_role("link", name=ended)
    assert link.evaluate("link => link.getClientRects().length") == 1


def test_a_run_is_started_from_the_first_page_by_keyboard_alone(viewer: Viewer) -> None:
    page = viewer.page
    page.goto(f"{viewer.portal.url}/admin/")
    page.get_by_role("button", name="Run k6-burst", exact=True).focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Run this scenario")
    expect(dialog.get_by_label("Environment")).to_be_focused()
    dialog.get_by_label("Environment").select_option("shop")
    for label, value in (("Virtual users", "2"), ("Duration", "5s"), ("Workers", "1")):
        dialog.get_by_label(label, exact=True).fill(value)
    dialog.get_by_role("button", name="Start run").press("Enter")
    expect(page.locator(VERDICT)).to_have_text(JUDGED)


def test_two_runs_are_set_side_by_side(viewer: Viewer, ended: str) -> None:
    page = viewer.page
    run_id = viewer.portal.begin("k6-burst", *SHORT)
    viewer.portal.wait_end(run_id)
    viewer.open_run(run_id)
    page.get_by_role("link", name="Compare").click()
    page.get_by_label("beside").select_option(ended)
    page.get_by_role("button", name="Compare").click()
    expect(page.locator(VERDICT)).to_have_count(2)
    expect(page.locator(".kd-svg")).to_have_count(3)
    expect(page.get_by_role("row", name="p95").first).to_contain_text(" ms")


def test_a_second_person_releases_a_run_that_needs_one(viewer: Viewer, approver: Viewer) -> None:
    portal = viewer.portal
    rows = "from portal.models import Environment as E; E.objects.create"
    portal.manage("shell", "-v", "0", "-c", f"{rows}(name='prod', targets={portal.targets}, requires_approval=True)")
    said = portal.loadtest("run", "k6-burst", "--environment", "prod", *SHORT, "--json")
    run_id = said.json["id"]
    portal.wait(run_id, lambda status: status["state"] == "awaiting_approval", "the question")
    page = approver.page
    approver.open_run(run_id)
    expect(page.locator(".kd-head")).to_contain_text("Somebody else who may approve runs has to release it")
    page.get_by_role("link", name="Approve").click()
    expect(page.locator("#dialog")).to_contain_text("4 virtual users for 12s, 2 workers")
    page.get_by_role("button", name="Approve").click()
    expect(page.locator(VERDICT)).to_have_text(JUDGED)


def test_the_kill_switch_is_seen_on_every_page_until_it_is_lifted(viewer: Viewer) -> None:
    page, runs = viewer.page, f"{viewer.portal.url}{ADMIN}/run/"
    page.goto(runs)
    try:
        page.get_by_role("link", name="Kill switch").click()
        page.get_by_label("Reason").fill("drill")
        page.get_by_role("button", name="Stop everything").click()
        expect(page.get_by_role("alert")).to_contain_text("drill")
        page.goto(f"{viewer.portal.url}{ADMIN}/environment/")
        expect(page.get_by_text("Kill switch is on")).to_be_visible()
        page.goto(runs)
        page.get_by_role("link", name="Kill switch").click()
        page.get_by_role("button", name="Lift the switch").click()
        expect(page.get_by_role("alert")).to_have_count(0)
    finally:
        viewer.portal.loadtest("kill-switch", "off")
