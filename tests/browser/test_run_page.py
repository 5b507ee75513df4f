"""The page of a run as somebody sees it: numbers that move, a stop by hand, the verdict, in the dark and on a telephone."""

from __future__ import annotations

import re
import statistics

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import LONG, PHONE, SHORT, Viewer

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

CARDS, VERDICT, AGE, STOP = ".kd-card", ".kd-verdict", "#kd-age", "a[hx-get*='/stop']"


def card(page: Page, name: str) -> Locator:
    return page.locator(CARDS).filter(has_text=name).locator("strong").first


def seconds_drawn(page: Page) -> int:
    return int(page.locator("#kd-charts").get_attribute("data-seconds") or 0)


def wait_seconds(page: Page, seconds: int) -> None:
    page.wait_for_function(f"Number(document.getElementById('kd-charts').dataset.seconds) >= {seconds}")


def test_numbers_arrive_while_the_run_goes_on_until_it_is_stopped_by_hand(viewer: Viewer) -> None:
    page = viewer.page
    run_id = viewer.portal.begin("k6-burst", *LONG)
    viewer.open_run(run_id)
    expect(page.locator(VERDICT)).to_have_text("Running")
    wait_seconds(page, 3)
    first, drawn = card(page, "Requests").inner_text(), seconds_drawn(page)
    expect(page.locator(AGE)).to_contain_text("live")
    wait_seconds(page, drawn + 5)
    assert int(card(page, "Requests").inner_text().replace(",", "")) > int(first.replace(",", ""))
    expect(card(page, "Virtual users")).to_have_text("6 of 6")
    expect(page.locator("[data-part=workers]")).to_contain_text("2 running")

    page.locator(STOP).click()
    page.get_by_role("button", name="Stop run").click()
    expect(page.locator(VERDICT)).to_have_text("Inconclusive")
    expect(page.locator(".kd-head")).to_contain_text("stopped before its end")
    expect(page.locator(STOP)).to_have_count(0)


def test_a_page_that_stays_open_turns_into_the_result(viewer: Viewer) -> None:
    page = viewer.page
    viewer.open_run(viewer.portal.begin("k6-burst", *SHORT))
    behind = []
    page.evaluate("window.sameDocument = true")
    while page.locator(VERDICT).inner_text() not in ("Passed", "Failed", "Inconclusive"):
        if page.locator(AGE).is_visible():
            behind.append(float(page.locator(AGE).get_attribute("data-behind") or 0))
        page.wait_for_timeout(200)
    expect(page.locator(VERDICT)).to_have_text(re.compile("Passed|Failed"))  # As fast as this machine is now.
    expect(page.locator("[data-part=details]")).to_contain_text("Slowest")
    expect(page.locator(STOP)).to_have_count(0)
    assert page.evaluate("window.sameDocument"), "without being loaded again"
    assert seconds_drawn(page) >= 12
    # No limit: a slow machine is no fault of the page. The number is for whoever reads the log.
    print(f"\nbehind the newest second: median {statistics.median(behind):.1f} s, most {max(behind):.1f} s")


def test_the_cursor_is_in_all_charts_at_once_and_the_charts_follow_the_theme(viewer: Viewer, ended: str) -> None:
    page = viewer.page
    viewer.open_run(ended)
    plots = page.locator(".kd-plot")
    expect(plots).to_have_count(4)
    widths = plots.evaluate_all("plots => plots.map((plot) => [plot.clientWidth, plot.querySelector('.uplot').offsetWidth])")
    assert all(inner == outer for outer, inner in widths), "every chart fills its own panel"
    plots.nth(1).hover()
    for title in page.locator(".kd-chart h3 span").all():
        expect(title).to_contain_text("at 0:")
    light = page.screenshot()
    page.evaluate("document.documentElement.classList.add('dark')")
    page.wait_for_timeout(300)
    dark = plots.first.evaluate("plot => getComputedStyle(plot).color")
    assert light != page.screenshot()
    assert dark != "rgb(17, 24, 39)"


def test_a_telephone_shows_everything_without_scrolling_sideways(viewer: Viewer, ended: str) -> None:
    page = viewer.page
    viewer.resize(PHONE)
    viewer.open_run(ended)
    expect(page.locator(".kd-plot")).to_have_count(4)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE[0]
    last = page.locator("#kd-run section").last
    last.scroll_into_view_if_needed()
    assert last.evaluate(
        "box => { const e = box.getBoundingClientRect(); const y = Math.min(e.bottom, innerHeight) - 4;"
        " return box.contains(document.elementFromPoint(e.left + 20, y)); }"
    ), "nothing lies over the end of the page"


def test_a_portal_that_goes_away_is_said_to_be_away_until_it_is_back(viewer: Viewer) -> None:
    page = viewer.page
    run_id = viewer.portal.begin("k6-burst", *LONG)
    viewer.open_run(run_id)
    wait_seconds(page, 2)
    viewer.page.route("**/live?*", lambda route: route.abort())
    expect(page.locator("#kd-lost")).to_contain_text("connection to the portal is lost")
    viewer.page.unroute("**/live?*")
    expect(page.locator("#kd-lost")).to_be_hidden()
    viewer.complaints.clear()  # Chromium reports each aborted request.
    viewer.portal.loadtest("stop", run_id, "--hard")
    expect(page.locator(VERDICT)).to_have_text("Inconclusive")


def test_the_log_stays_at_its_newest_line_and_where_somebody_reads(viewer: Viewer) -> None:
    """Its lines are made by hand: what an engine writes comes when it likes."""
    page, run_id = viewer.page, viewer.portal.begin("k6-burst", *LONG)
    viewer.open_run(run_id)
    wait_seconds(page, 2)

    def say(first: int, last: int) -> None:
        program = (
            "from portal.models import RunEvent as E; from django.utils import timezone;"
            f"[E.objects.create(run_id='{run_id}', at=timezone.now(), kind='log', text=f'line {{n}}')"
            f" for n in range({first}, {last + 1})]"
        )
        viewer.portal.manage("shell", "-v", "0", "-c", program)

    say(1, 59)
    log = page.locator(".kd-log")
    expect(log).to_contain_text("line 59")
    assert log.evaluate("log => log.scrollHeight - log.scrollTop - log.clientHeight") < 8
    log.evaluate("log => log.scrollTo(0, 40)")
    say(60, 60)
    expect(log).to_contain_text("line 60")
    assert log.evaluate("log => log.scrollTop") == 40
    viewer.portal.loadtest("stop", run_id, "--hard")
    expect(page.locator(VERDICT)).to_have_text("Inconclusive")
