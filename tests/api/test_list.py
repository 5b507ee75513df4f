from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from portal.core.verdict import Outcome
from portal.models import Run, Worker
from tests.api.conftest import queries
from tests.builders import a_run, a_scenario, an_ended_run, an_environment

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


def listed(api: APIClient, **query: Any) -> list[str]:
    answer = api.get("/load-tests", query)
    assert answer.status_code == 200, answer.content
    return [row["id"] for row in answer.json()["runs"]]


def some_runs(count: int = 5, **columns: Any) -> list[str]:
    """Ids, oldest first."""
    return [a_run(created=NOON + timedelta(minutes=number), **columns).id for number in range(count)]


def test_the_newest_run_comes_first(api: APIClient) -> None:
    ids = some_runs()
    assert listed(api) == ids[::-1]


def test_a_row_has_the_numbers_of_its_result(api: APIClient) -> None:
    run = an_ended_run(Outcome.FAILED, tags={"team": "shop"})
    (row,) = api.get("/load-tests").json()["runs"]
    assert (row["id"], row["verdict"], row["requests"], row["tags"]) == (run.id, "failed", 8333, {"team": "shop"})
    assert row["p95_ms"] == pytest.approx(43 * 2.7)


def test_a_row_without_a_result_has_no_numbers(api: APIClient) -> None:
    a_run()
    (row,) = api.get("/load-tests").json()["runs"]
    assert (row["requests"], row["p95_ms"], row["verdict"]) == (None, None, None)


@pytest.mark.parametrize("order", ["-created", "created", "-started", "ended"])
def test_pages_hold_every_run_once_in_order_though_times_are_equal_and_new_runs_come_in(api: APIClient, order: str) -> None:
    for number in range(7):
        moment = NOON + timedelta(minutes=number // 3)
        a_run(created=moment, started=moment, ended=moment)
    wanted = listed(api, order=order)
    found, path = list[str](), f"/load-tests?order={order}&limit=2"
    while path:
        page = api.get(path).json()
        found += [row["id"] for row in page["runs"]]
        path = page["next"]
        a_run(created=NOON + timedelta(days=1), started=None)
    assert [run_id for run_id in found if run_id in wanted] == wanted
    assert len(found) == len(set(found))


def test_the_last_page_has_no_next(api: APIClient) -> None:
    some_runs(2)
    page = api.get("/load-tests?limit=2").json()
    assert (page["next"], page["cursor"]) == (None, None)


@pytest.mark.parametrize(
    ("query", "matches"),
    [
        ({"scenario": "search"}, "other"),
        ({"environment": "staging"}, "other"),
        ({"backend": "ec2"}, "other"),
        ({"state": "running"}, "other"),
        ({"state": "running,ready"}, "other"),
        ({"verdict": "failed"}, "other"),
        ({"requested_by": "bob"}, "other"),
        ({"tag": "team:shop"}, "other"),
        ({"tag": "team"}, "other"),
        ({"tag": ["team:shop", "kind:soak"]}, "other"),
        ({"tag": "exact__contains:x"}, ""),
        ({"tag": "team:other"}, ""),
        ({"since": "2026-11-25"}, "other"),
        ({"since": "2026-11-25T00:00:00+02:00"}, "other"),
        ({"until": "2026-11-25T00:00:00Z"}, "plain"),
        ({"search": "Black Friday"}, "other"),
        ({"search": "SEARCH"}, "other"),
        ({"search": "%"}, ""),
        ({"search": "BE"}, "other"),
        ({"search": "fr"}, ""),
        ({"search": "se"}, "other"),
        ({"search": "day"}, "other"),
    ],
)
def test_runs_are_found_by(api: APIClient, query: dict[str, Any], matches: str) -> None:
    plain = a_run(created=NOON)
    other = a_run(
        created=NOON + timedelta(days=1), backend="ec2", state="running", verdict="failed", requested_by="bob",
        tags={"team": "shop", "kind": "soak"}, note="before black friday",
        scenario=a_scenario("search"), environment=an_environment("staging"),
    )  # fmt: skip
    assert listed(api, **query) == [run.id for name, run in (("other", other), ("plain", plain)) if name == matches]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("typo=1", "typo"),
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("limit=99999999999999999999", "limit"),
        ("limit=%D9%A3", "limit"),
        ("state=nope", "state"),
        ("order=password", "order"),
        ("cursor=abc", "cursor"),
        ("cursor=WyJjcmVhdGVkIiwieCIsInkiXQ", "cursor"),
        ("since=yesterday", "since"),
        ("since=0001-01-01T00:00:00%2B14:00", "since"),
        ("until=2026-02-30", "until"),
        ("tag=0:x", "tag"),
        ("tag=1_0:x", "tag"),
        ("tag=%22:x", "tag"),
        ("tag=:x", "tag"),
        ("search=%00", "search"),
        ("search=" + "x" * 201, "search"),
        ("scenario=a&scenario=b", "scenario"),
    ],
)
def test_a_query_that_cannot_be_read_names_what_is_wrong(api: APIClient, query: str, field: str) -> None:
    answer = api.get(f"/load-tests?{query}")
    assert answer.status_code == 400
    assert [item["field"] for item in answer.json()["errors"]] == [field]


def test_a_list_takes_the_same_number_of_queries_however_long_it_is(api: APIClient) -> None:
    an_ended_run()
    few = queries(api, "/load-tests")
    for _ in range(20):
        an_ended_run()
    assert queries(api, "/load-tests") == few <= 6


@pytest.mark.parametrize("path", ["", "/status"])
def test_one_run_takes_the_same_number_of_queries_however_many_workers_it_has(api: APIClient, path: str) -> None:
    run = an_ended_run()
    few = queries(api, f"/load-tests/{run.id}{path}")
    for slot in range(2, 40):
        Worker.objects.create(run=run, slot=slot, state="done")
    assert queries(api, f"/load-tests/{run.id}{path}") == few <= 6


def test_one_run_tells_its_plan_and_its_headline(api: APIClient) -> None:
    run = an_ended_run()
    found = api.get(f"/load-tests/{run.id}").json()
    assert (found["load"], found["requests"], found["coverage"]) == ("10 virtual users for 10s", 8333, 1.0)
    assert found["targets"]["product"] == "http://127.0.0.1:18101"
    assert found["urls"]["self"].endswith(f"/load-tests/{run.id}")
    assert found["reasons"] == ["All thresholds were met."]


def test_one_run_that_has_not_begun_is_complete_too(api: APIClient) -> None:
    found = api.get(f"/load-tests/{a_run().id}").json()
    assert (found["state"], found["requests"], found["p95_ms"], found["reasons"]) == ("queued", None, None, [])


def test_one_run_is_not_sent_again_while_nothing_has_changed(api: APIClient) -> None:
    run = a_run()
    first = api.get(f"/load-tests/{run.id}")
    assert api.get(f"/load-tests/{run.id}", HTTP_IF_NONE_MATCH=first["ETag"]).status_code == 304
    Run.objects.filter(pk=run.id).update(note="changed")
    assert api.get(f"/load-tests/{run.id}", HTTP_IF_NONE_MATCH=first["ETag"]).status_code == 200


def test_a_search_reads_an_index_and_not_every_run(api: APIClient) -> None:
    a_run()
    with CaptureQueriesContext(connection) as seen:
        api.get("/load-tests?search=no+such+words")
    (asked,) = (query["sql"] for query in seen if "NO SUCH" in query["sql"].upper() and "portal_run" in query["sql"])
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("EXPLAIN QUERY PLAN " + asked.replace("%", "%%"))
            assert "COVERING INDEX run_searched" in str(cursor.fetchall())
        else:
            # Of few runs PostgreSQL reads all by itself.
            cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_indexscan = off")
            cursor.execute("EXPLAIN " + asked.replace("%", "%%"))
            assert "run_note_trigrams" in str(cursor.fetchall())
