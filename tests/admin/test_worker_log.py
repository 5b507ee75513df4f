from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from portal.core.protocol import Done, DoneReason
from portal.models import Run, Worker
from portal.wiring import parts
from tests.builders import a_run, a_user, an_ended_run

pytestmark = pytest.mark.django_db
AWS = {"region": "eu-central-1", "bucket": "results", "worker_group": "workers", "log_prefix": "/knopfdruck/dev"}


def page(browser: Client, run: Run) -> str:
    return str(browser.get(reverse("admin:portal_run_change", args=(run.id,))).content.decode())


def test_the_page_links_to_the_last_lines_of_a_worker(browser: Client) -> None:
    run = an_ended_run()
    parts().store(run.id).done(Done(1, 1, 5.0, DoneReason.SCRIPT_ERROR, 107, log_tail=("<script>alert(1)</script>",)))
    address = reverse("admin:portal_run_log", args=(run.id,))
    assert f'href="{address}?slot=1&amp;epoch=1"' in page(browser, run)
    answer = browser.get(address, {"slot": "1", "epoch": "1"})
    assert (answer.status_code, answer["Content-Type"], answer["X-Content-Type-Options"]) == (
        200, "text/plain; charset=utf-8", "nosniff"
    )  # fmt: skip
    text = answer.content.decode()
    assert text.startswith(f"Run {run.id}, worker 1, epoch 1: done.")
    assert text.endswith("What the engine wrote:\n<script>alert(1)</script>\n")


def test_a_worker_in_aws_has_a_link_to_its_stream(browser: Client) -> None:
    run = a_run(aws=AWS, backend="ec2", state="running")
    Worker.objects.create(run=run, slot=0, place="i-0abc in eu-central-1a")
    html = page(browser, run)
    assert 'href="https://eu-central-1.console.aws.amazon.com/cloudwatch/home?region=eu-central-1#logsV2' in html
    assert "log-events/i-0abc" in html


@pytest.mark.parametrize("query", [{}, {"slot": "9"}, {"slot": "1", "epoch": "7"}, {"slot": "-1"}])
def test_a_worker_there_never_was_is_not_found(browser: Client, query: dict[str, str]) -> None:
    assert browser.get(reverse("admin:portal_run_log", args=(a_run().id,)), query).status_code == 404


def test_a_log_is_for_those_who_may_see_the_run() -> None:
    client = Client()
    client.force_login(a_user(role=None, is_staff=True))
    run = an_ended_run()
    assert client.get(reverse("admin:portal_run_log", args=(run.id,)), {"slot": "1"}).status_code == 404
