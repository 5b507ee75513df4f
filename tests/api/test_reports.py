import csv
import io
import re
from typing import Any
from xml.etree import ElementTree

import pytest
from rest_framework.test import APIClient

from portal.core.run_state import EndReason
from portal.core.summary import RequestStats
from portal.core.verdict import Outcome
from portal.core.wire import to_plain
from portal.models import Result, Run
from tests.builders import a_latency, a_run, a_summary, an_ended_run, live_progress

pytestmark = pytest.mark.django_db
ENDINGS = ("json", "csv", "html", "xml")


def report(api: APIClient, run: Run, ending: str, **query: Any) -> Any:
    answer = api.get(f"/load-tests/{run.id}/report.{ending}", query, headers={"Accept": "text/html"})
    assert answer.status_code == 200, answer.content
    return answer


def suite(api: APIClient, run: Run) -> ElementTree.Element:
    found = ElementTree.fromstring(report(api, run, "xml").content).find("testsuite")
    assert found is not None
    return found


def table(api: APIClient, run: Run, name: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(report(api, run, "csv", table=name).content.decode())))


def test_the_json_report_is_the_results(api: APIClient) -> None:
    run = an_ended_run()
    assert report(api, run, "json").json() == api.get(f"/load-tests/{run.id}/results").json()


@pytest.mark.parametrize("ending", ENDINGS)
def test_every_report_exists_before_the_end_and_without_a_result(api: APIClient, ending: str) -> None:
    report(api, a_run(), ending)
    report(api, a_run(state="running", progress=live_progress()), ending)
    report(api, a_run(state="ended", end_reason=EndReason.LAUNCH_FAILED, message="No room left."), ending)


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_report_of_an_unknown_run_is_a_problem(api: APIClient, ending: str) -> None:
    answer = api.get(f"/load-tests/nope/report.{ending}")
    assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")


def test_a_report_of_another_kind_is_not_found(api: APIClient) -> None:
    assert api.get(f"/load-tests/{an_ended_run().id}/report.pdf").status_code == 404


def test_the_suite_of_a_passed_run_is_valid_and_has_a_case_for_each_threshold(api: APIClient) -> None:
    run = an_ended_run()
    found = suite(api, run)
    names = [case.get("name") for case in found.findall("testcase")]
    assert names == ["the run is valid", "http_req_duration p(95)<300"]
    assert (found.get("tests"), found.get("failures"), found.get("errors")) == ("2", "0", "0")
    said = {item.get("name"): item.get("value") for item in found.iter("property")}
    assert said["run_url"] == f"http://127.0.0.1:8000/admin/portal/run/{run.id}/change/"
    assert said["script_digest"] == "ab" * 32


def test_a_failed_threshold_is_a_failure_with_observed_value_and_limit(api: APIClient) -> None:
    found = suite(api, an_ended_run(Outcome.FAILED))
    assert (found.get("failures"), found.get("errors")) == ("1", "0")
    (failure,) = found.iter("failure")
    assert failure.get("message") == "http_req_duration p(95)<300: observed 412 ms"


def test_a_run_that_proves_nothing_is_an_error_not_a_failure(api: APIClient) -> None:
    found = suite(api, an_ended_run(Outcome.INCONCLUSIVE))
    (error,) = found.iter("error")
    assert (error.get("type"), error.get("message")) == (
        "inconclusive",
        "Worker 1 was lost; 50 % of the planned load was measured.",
    )


def test_a_run_that_failed_for_another_reason_than_a_threshold_is_not_green(api: APIClient) -> None:
    run = an_ended_run()
    Run.objects.filter(pk=run.id).update(verdict="failed")
    assert suite(api, run).get("failures") == "1"


def test_a_suite_is_never_empty_and_never_green_without_an_end(api: APIClient) -> None:
    found = suite(api, a_run())
    assert int(found.get("tests") or 0) >= 1
    assert int(found.get("errors") or 0) >= 1


def test_names_that_no_xml_can_hold_do_not_break_the_report(api: APIClient) -> None:
    run = an_ended_run(Outcome.INCONCLUSIVE)
    Result.objects.filter(run=run).update(verdict={"outcome": "inconclusive", "reasons": ["bell \x07 and <tag> & \ufffe"]})
    (error,) = suite(api, run).iter("error")
    assert error.get("message") == "bell \N{REPLACEMENT CHARACTER} and <tag> & \N{REPLACEMENT CHARACTER}"


def test_the_csv_of_requests_has_all_and_each(api: APIClient) -> None:
    rows = table(api, an_ended_run(), "requests")
    assert rows[0][:4] == ["name", "count", "failed", "per_second"]
    assert [row[0] for row in rows[1:]] == ["(all)", "GET /products", "GET /products/{id}", "GET /search", "POST /cart"]
    assert rows[1][1] == "8333"


def test_the_csv_timeline_leaves_holes_empty(api: APIClient) -> None:
    rows = table(api, an_ended_run(), "timeline")
    assert len(rows) == 61
    assert rows[31] == ["30", *[""] * 8]


@pytest.mark.parametrize("name", ["errors", "thresholds"])
def test_the_other_tables_have_a_head_and_rows(api: APIClient, name: str) -> None:
    assert len(table(api, an_ended_run(), name)) >= 2


def test_an_unknown_table_is_refused(api: APIClient) -> None:
    assert api.get(f"/load-tests/{an_ended_run().id}/report.csv?table=users").status_code == 400


def test_a_name_that_looks_like_a_formula_stays_text(api: APIClient) -> None:
    run = an_ended_run()
    evil = RequestStats("=HYPERLINK(0)", 1, 0, 1.0, a_latency())
    Result.objects.filter(run=run).update(summary=to_plain(a_summary(by_name=(evil,))))
    assert table(api, run, "requests")[2][0] == "'=HYPERLINK(0)"


def test_the_html_report_asks_for_nothing_else_and_runs_no_script(api: APIClient) -> None:
    answer = report(api, an_ended_run(), "html")
    page = answer.content.decode()
    assert page.count("<svg") == 4
    assert "<script" not in page
    assert not re.search(r"""(?:src=|srcset|@import|url\()""", page)
    assert [link for link in re.findall(r'href="([^"]*)"', page) if "/admin/portal/run/" not in link] == []
    assert answer["Content-Security-Policy"].startswith("default-src 'none'")


def test_the_html_report_escapes_what_targets_and_scripts_say(api: APIClient) -> None:
    run = an_ended_run(note="<script>alert(1)</script>")
    evil = RequestStats("<img src=x onerror=alert(1)>", 1, 0, 1.0, a_latency())
    Result.objects.filter(run=run).update(summary=to_plain(a_summary(by_name=(evil,))))
    page = report(api, run, "html").content.decode()
    assert "<script" not in page
    assert "<img" not in page
