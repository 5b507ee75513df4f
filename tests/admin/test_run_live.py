"""What the page of a run asks for each second: complete, cheap, and only for those who may see the run."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from fractions import Fraction
from typing import Any  # Any: the answer's JSON

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from portal.admin.run_live import KEPT_SECONDS, LIVE
from portal.core.load import OpenLoad, ScriptLoad, Stage
from portal.core.timeline import TimePoint
from portal.models import Run, RunEvent, Worker
from portal.usecases.live_timeline import LATE_SECONDS
from portal.usecases.present_run import MOST_LINES
from portal.wiring import parts
from tests.builders import a_plan, a_run, a_user, an_ended_run, live_progress

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _no_snapshots() -> Iterator[None]:
    LIVE.forget()
    yield
    LIVE.forget()


def ask(browser: Client, run: Run, since: object = "", **headers: str) -> Any:
    query = {"since": str(since)} if since != "" else {}
    return browser.get(reverse("admin:portal_run_live", args=(run.id,)), query, headers=headers)


def news(browser: Client, run: Run, since: object = "") -> Any:
    answer = ask(browser, run, since)
    assert answer.status_code == 200
    return answer.json()


def a_running_run(seconds: int = 12, **columns: Any) -> Run:
    """Each second has as many requests as its number says, in chunks as the watcher writes them."""
    run = a_run(state="running", started=timezone.now() - timedelta(seconds=seconds + 2),
                progress=live_progress(timeline_until=seconds), **columns)  # fmt: skip
    points = [TimePoint(n, float(n), 0.0, float(n), 5.0, 10.0, 20.0, 30.0, 40.0, 0.0) for n in range(seconds)]
    for start in range(0, seconds, 60):
        parts().store(run.id).save_timeline(1, start // 60, tuple(points[start : start + 60]))
    return run


def test_a_page_that_has_nothing_gets_everything(browser: Client) -> None:
    found = news(browser, a_running_run())
    assert (found["state"], found["over"], found["whole"], found["until"]) == ("running", False, True, 12)
    assert found["points"]["second"] == list(range(12))
    assert found["points"]["requests"] == list(range(12))
    assert [picture["title"] for picture in found["charts"]["pictures"]] == [
        "Requests per second", "Response time", "Virtual users", "Failed requests",
    ]  # fmt: skip
    assert found["charts"]["corners"] == [[0, 10], [10, 10]]
    assert found["charts"]["pictures"][1]["limits"] == [["p95 < 300 ms", 300]]
    assert "1,824" in found["parts"]["cards"]
    assert "http_req_duration p(95)&lt;300" in found["parts"]["thresholds"]


def test_a_page_that_asks_again_gets_what_may_have_changed_since(browser: Client) -> None:
    found = news(browser, a_running_run(90), since=90)
    assert (found["whole"], "charts" in found) == (False, False)
    assert found["points"]["second"] == list(range(90 - LATE_SECONDS, 90))


def test_a_page_that_slept_gets_all_it_missed(browser: Client) -> None:
    found = news(browser, a_running_run(KEPT_SECONDS + 100), since=30)
    assert found["points"]["second"] == list(range(30 - LATE_SECONDS, KEPT_SECONDS + 100))


@pytest.mark.parametrize("since", ["-1", "x", "1e3", "99999999999", "\N{SUPERSCRIPT TWO}"])
def test_a_cursor_nobody_gave_out_gets_everything(browser: Client, since: str) -> None:
    assert news(browser, a_running_run(), since=since)["whole"]


def test_without_news_the_answer_is_empty(browser: Client) -> None:
    run = a_running_run()
    first = ask(browser, run, 5)
    second = ask(browser, run, 5, **{"If-None-Match": first["ETag"]})
    assert (second.status_code, second.content, second["ETag"]) == (304, b"", first["ETag"])
    assert first["Cache-Control"] == "no-cache, private"
    assert float(second["X-Ask-In"]) > 0
    Run.objects.filter(pk=run.id).update(state="stopping")
    LIVE.forget()
    assert ask(browser, run, 5, **{"If-None-Match": first["ETag"]}).status_code == 200


def test_viewers_of_the_same_second_share_one_look(browser: Client, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    run = a_running_run()
    ask(browser, run)
    with django_assert_num_queries(3):  # session, user, and whether this user may see it
        ask(browser, run, 5)


@pytest.mark.parametrize("workers", [1, 60])
def test_a_look_takes_the_same_few_queries_for_any_run(
    browser: Client, django_assert_num_queries: DjangoAssertNumQueries, workers: int
) -> None:
    run = a_running_run(90, workers=workers)
    Worker.objects.bulk_create(Worker(run=run, slot=slot, state="running") for slot in range(workers))
    with django_assert_num_queries(6):  # the same, the run, its workers, its log
        ask(browser, run)


def test_the_newest_lines_of_the_log_stand_on_the_page_whatever_a_script_writes(browser: Client) -> None:
    run = a_running_run()
    RunEvent.objects.bulk_create(RunEvent(run=run, text=f"Worker 0: line {number}") for number in range(MOST_LINES))
    assert "earlier ones" not in news(browser, run)["parts"]["log"]
    RunEvent.objects.create(run=run, text="Worker 1: <script>alert(1)</script>")
    LIVE.forget()
    log = news(browser, run)["parts"]["log"]
    assert "Worker 1: &lt;script&gt;" in log
    assert "earlier ones" in log
    assert ("line 0<" in log, "line 1<" in log) == (False, True)


def test_a_run_nobody_said_anything_of_shows_no_log(browser: Client) -> None:
    assert not news(browser, a_running_run())["parts"]["log"].strip()


def test_a_run_that_is_over_answers_with_its_result(browser: Client, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    run = an_ended_run()
    with django_assert_num_queries(7):  # and the result's timeline
        found = ask(browser, run, 17)
    body = found.json()
    assert (body["over"], body["whole"], body["verdict"]) == (True, True, "passed")
    assert len(body["points"]["second"]) == 60
    assert body["points"]["requests"][30:33] == [None, None, None], "a hole is no zero"
    assert "Passed" in body["parts"]["head"]
    assert "GET /products" in body["parts"]["details"]


def test_pages_ask_less_often_where_workers_ship_rarely(browser: Client) -> None:
    assert news(browser, a_running_run(workers=21))["seconds_between"] == 2


def test_lost_workers_are_marked_where_they_fell_silent_and_stand_first(browser: Client) -> None:
    run = a_running_run(40, workers=70)
    assert run.started
    Worker.objects.bulk_create(
        Worker(run=run, slot=slot, state="lost" if slot == 69 else "running", last_beat=run.started + timedelta(seconds=20))
        for slot in range(70)
    )
    found = news(browser, run)
    assert found["lost"] == [{"second": 20, "text": "worker 69 lost"}]
    rows = found["parts"]["workers"]
    assert rows.index("<td>69</td>") < rows.index("<td>0</td>")
    assert "69 running, 1 lost" in rows
    assert "and 20 more" in rows


def test_an_open_load_shows_arrivals_against_the_plan(browser: Client) -> None:
    ten = Fraction(10)
    load = OpenLoad(Fraction(0), (Stage(timedelta(seconds=10), ten), Stage(timedelta(seconds=20), ten)), None)
    found = news(browser, a_running_run(plan=a_plan(load=load)))
    picture = found["charts"]["pictures"][2]
    assert (picture["title"], found["charts"]["corners"]) == ("Arrivals per second", [[0, 0], [10, 10], [30, 10]])
    assert "of 10" in found["parts"]["cards"]


def test_a_scripts_own_load_has_no_plan_to_draw(browser: Client) -> None:
    found = news(browser, a_running_run(plan=a_plan(load=ScriptLoad(timedelta(seconds=60), 5, 5))))
    assert found["charts"]["corners"] == []


def test_only_who_may_see_a_run_gets_its_news() -> None:
    run = a_run(state="running", progress=live_progress())
    stranger, nobody = Client(), Client()
    stranger.force_login(a_user(role=None, is_staff=True))
    assert ask(stranger, run).status_code == 404
    assert ask(nobody, run).status_code == 302


def test_a_run_that_is_not_there_is_not_found(browser: Client) -> None:
    assert browser.get(reverse("admin:portal_run_live", args=("nope",))).status_code == 404
