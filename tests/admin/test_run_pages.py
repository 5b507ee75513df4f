import pytest
from django.test import Client
from django.urls import reverse

from portal.core.run_state import EndReason
from portal.core.verdict import Outcome
from portal.core.wire import to_plain
from portal.models import Baseline, Run
from tests.builders import a_result, a_run, a_summary, a_user, an_ended_run, live_progress

pytestmark = pytest.mark.django_db


def page(browser: Client, run: Run) -> str:
    answer = browser.get(reverse("admin:portal_run_change", args=(run.id,)))
    assert answer.status_code == 200
    return str(answer.content.decode())


@pytest.mark.parametrize("outcome", list(Outcome))
def test_the_page_of_an_ended_run_says_verdict_reasons_and_numbers(browser: Client, outcome: Outcome) -> None:
    html = page(browser, an_ended_run(outcome))
    assert outcome.capitalize() in html
    assert "8,333" in html
    assert "http_req_duration p(95)&lt;300" in html
    assert "GET /products" in html
    assert "connection refused" in html
    assert "pid 4001" in html
    assert html.count('<svg class="kd-svg"') == 4


def test_the_page_of_a_running_run_asks_for_news_and_can_be_stopped(browser: Client) -> None:
    run = a_run(state="running", progress=live_progress())
    html = page(browser, run)
    assert f'data-live="/admin/portal/run/{run.id}/live"' in html
    assert "1,824" in html
    assert reverse("admin:portal_run_stop", args=(run.id,)) in html


def test_the_page_of_an_ended_run_offers_no_stop(browser: Client) -> None:
    run = an_ended_run()
    html = page(browser, run)
    assert reverse("admin:portal_run_stop", args=(run.id,)) not in html
    assert reverse("admin:portal_run_again", args=(run.id,)) in html


@pytest.mark.parametrize("state", ["queued", "planning", "launching", "ready", "stopping", "collecting"])
def test_every_state_has_a_page(browser: Client, state: str) -> None:
    assert state.capitalize() in page(browser, a_run(state=state))


def test_a_run_that_never_ran_says_why(browser: Client) -> None:
    assert "No room left." in page(browser, a_run(state="ended", end_reason=EndReason.LAUNCH_FAILED, message="No room left."))


def test_a_result_without_a_single_request_has_a_page(browser: Client) -> None:
    run = a_run(state="ended", verdict=Outcome.INCONCLUSIVE, end_reason=EndReason.COMPLETED)
    empty = {"requests": 0, "failed": 0, "latency": None, "by_name": (), "errors": (), "checks": (), "metrics": ()}
    a_result(run, Outcome.INCONCLUSIVE, summary=to_plain(a_summary(**empty)), timeline=[], thresholds=[])
    assert "Inconclusive" in page(browser, run)


def test_a_run_is_accepted_as_baseline_by_a_post(browser: Client) -> None:
    run = an_ended_run()
    accept = reverse("admin:portal_run_baseline", args=(run.id,))
    assert accept in page(browser, run)
    assert b"Accept this run as the baseline?" in browser.get(accept).content
    assert not Baseline.objects.exists()
    assert browser.post(accept, {"_form_submitted": "True"})["HX-Redirect"].endswith(f"{run.id}/change/")
    assert Baseline.objects.get().run == run


def test_an_inconclusive_run_is_not_offered_as_baseline_and_not_taken(browser: Client) -> None:
    run = an_ended_run(Outcome.INCONCLUSIVE)
    accept = reverse("admin:portal_run_baseline", args=(run.id,))
    assert accept not in page(browser, run)
    browser.post(accept, {"_form_submitted": "True"})
    assert not Baseline.objects.exists()
    client = Client()
    client.force_login(a_user(role=None, is_staff=True))
    assert client.post(accept, {"_form_submitted": "True"}).status_code == 403


def test_foreign_text_stays_text(browser: Client) -> None:
    run = an_ended_run(Outcome.INCONCLUSIVE, message="<script>alert(1)</script>", note="<b>", tags={"<i>": "<i>"})
    html = page(browser, run)
    assert "<script>alert(1)" not in html
    assert "&lt;script&gt;alert(1)" in html


def test_the_list_shows_runs_of_all_kinds(browser: Client) -> None:
    runs = [an_ended_run(), a_run(state="running", progress=live_progress()), a_run()]
    html = browser.get(reverse("admin:portal_run_changelist")).content.decode()
    assert all(run.id in html for run in runs)
    assert "49 ms" in html
    found = browser.get(reverse("admin:portal_run_changelist"), {"q": runs[0].id}).content.decode()
    assert runs[1].id not in found


def test_stopping_needs_a_post(browser: Client) -> None:
    run = a_run()
    stop = reverse("admin:portal_run_stop", args=(run.id,))
    assert b"Stop this run?" in browser.get(stop).content
    run.refresh_from_db()
    assert run.state == "queued"
    answer = browser.post(stop, {"_form_submitted": "True"})
    run.refresh_from_db()
    assert answer["HX-Redirect"] == reverse("admin:portal_run_change", args=(run.id,))
    assert (run.end_reason, run.stop_requested_by) == ("stopped_by_user", "root")


@pytest.mark.engines
def test_run_again_offers_the_same_load_and_starts_it(browser: Client) -> None:
    run = an_ended_run()
    again = reverse("admin:portal_run_again", args=(run.id,))
    dialog = browser.get(again)
    form = dialog.context["form"]
    assert (form.initial["vus"], form.initial["duration"], form.initial["workers"]) == ("10", "10s", "2")
    values = {name: form.initial.get(name) or "" for name in form.fields}
    answer = browser.post(again, {**values, "_form_submitted": "True"})
    new = Run.objects.exclude(pk=run.pk).get()
    assert answer["HX-Redirect"].endswith(f"{new.id}/change/")
    assert (new.version, new.load_plan().load) == (run.version, run.load_plan().load)


def test_only_who_may_stop_runs_can_stop_them() -> None:
    client = Client()
    client.force_login(a_user(role=None, is_staff=True))
    run = a_run()
    assert client.post(reverse("admin:portal_run_stop", args=(run.id,)), {"_form_submitted": "True"}).status_code == 403
    assert client.get(reverse("admin:portal_run_live", args=(run.id,))).status_code == 404
    run.refresh_from_db()
    assert run.state == "queued"


def test_runs_cannot_be_edited_or_deleted_by_hand(browser: Client) -> None:
    run = an_ended_run()
    assert browser.post(reverse("admin:portal_run_change", args=(run.id,)), {"note": "x"}).status_code == 403
    assert browser.post(reverse("admin:portal_run_delete", args=(run.id,)), {"post": "yes"}).status_code == 403


def test_the_list_says_what_the_data_is_worth_and_filters_by_it(browser: Client) -> None:
    good, poor = an_ended_run(), an_ended_run()
    Run.objects.filter(pk=good.id).update(trust="valid")
    Run.objects.filter(pk=poor.id).update(trust="suspect")
    page = reverse("admin:portal_run_changelist")
    assert "suspect" in browser.get(page).content.decode()
    assert list(browser.get(page, {"trust__exact": "suspect"}).context["cl"].queryset) == [poor]
