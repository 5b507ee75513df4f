"""Two runs side by side: which one is chosen, what is said, and what cannot be compared."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from portal.core.verdict import Outcome
from portal.core.wire import to_plain
from portal.models import Run
from portal.usecases.accept_baseline import accept_baseline
from tests.builders import ADA, a_latency, a_run, a_summary, an_ended_run

pytestmark = pytest.mark.django_db


def page(browser: Client, run: Run, **query: str) -> Any:
    answer = browser.get(reverse("admin:portal_run_compare", args=(run.id,)), query)
    assert answer.status_code == 200
    return answer


def ago(hours: int, p50: float = 43.0) -> Run:
    """A run that ended well, so many hours ago."""
    run = an_ended_run(created=timezone.now() - timedelta(hours=hours))
    run.result.summary = to_plain(a_summary(latency=a_latency(p50)))
    run.result.save()
    return run


def test_the_run_before_is_chosen_unless_there_is_a_baseline(browser: Client) -> None:
    oldest, before, run, _ = ago(4), ago(2), ago(1), ago(0)
    assert page(browser, run).context["chosen"] == before.id
    accept_baseline(oldest.id, ADA)
    assert page(browser, run).context["chosen"] == oldest.id


def test_what_got_slower_is_said_with_both_numbers_and_the_curves(browser: Client) -> None:
    before, run = ago(2), ago(1, p50=129.0)
    html = page(browser, run, other=before.id).content.decode()
    assert "worse" in html
    assert "116 ms" in html
    assert "348 ms" in html
    assert html.count('<svg class="kd-svg"') == 3
    assert reverse("admin:portal_run_change", args=(before.id,)) in html


def test_the_page_of_a_run_without_another_says_so(browser: Client) -> None:
    assert "no other run of this scenario" in page(browser, ago(1)).content.decode()


@pytest.mark.parametrize("other", ["nope", "20200101-nothing"])
def test_a_run_that_is_not_there_is_no_error_of_ours(browser: Client, other: str) -> None:
    assert "There is no run" in page(browser, ago(1), other=other).content.decode()


def test_a_run_that_goes_on_cannot_be_compared_and_offers_no_button(browser: Client) -> None:
    ago(1)
    run = a_run(state="running")
    assert "has no result yet" in page(browser, run).content.decode()
    html = browser.get(reverse("admin:portal_run_change", args=(run.id,))).content.decode()
    assert reverse("admin:portal_run_compare", args=(run.id,)) not in html


def test_an_ended_run_offers_the_button(browser: Client) -> None:
    run = an_ended_run(Outcome.INCONCLUSIVE)
    html = browser.get(reverse("admin:portal_run_change", args=(run.id,))).content.decode()
    assert reverse("admin:portal_run_compare", args=(run.id,)) in html


def test_what_was_compared_at_the_end_stands_on_the_page_of_the_run(browser: Client) -> None:
    before = ago(2)
    run = ago(1)
    change = {"measure": "p95", "unit": "ms", "before": 80.0, "now": 120.0, "usual": 8.0, "judgement": "worse"}
    found = {"basis": f"baseline {before.id}", "runs": [before.id], "remarks": ["2 workers now, 4 before."], "changes": [change]}
    run.result.verdict = {**run.result.verdict, "comparison": found}
    run.result.save()
    html = browser.get(reverse("admin:portal_run_change", args=(run.id,))).content.decode()
    assert f"Beside baseline {before.id}" in html
    assert "2 workers now, 4 before." in html
    assert "+50 %, outside the usual ±10 %" in html
    assert f"{reverse('admin:portal_run_compare', args=(run.id,))}?other={before.id}" in html
