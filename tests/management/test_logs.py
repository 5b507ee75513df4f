from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from portal.core.protocol import Done, DoneReason
from portal.models import Run, Worker
from portal.wiring import parts
from tests.builders import a_run, an_ended_run

pytestmark = pytest.mark.django_db
Manage = Callable[..., tuple[int, str, str]]
AWS = {"region": "eu-central-1", "bucket": "results", "worker_group": "workers", "log_prefix": "/knopfdruck/dev"}


def a_failed_run() -> Run:
    run = an_ended_run()
    parts().store(run.id).done(Done(1, 1, 5.0, DoneReason.SCRIPT_ERROR, 107, "TypeError: x", log_tail=("one", "two")))
    return run


def test_without_a_slot_it_says_where_each_worker_s_log_is(manage: Manage) -> None:
    run = a_run(aws=AWS, backend="ec2")
    Worker.objects.create(run=run, slot=0, place="i-0abc in eu-central-1a", state="lost", message="No sign of life for 15 s.")
    Worker.objects.create(run=run, slot=0, epoch=2)
    code, out, _ = manage("loadtest", "logs", run.id)
    first, where, page, second, *_ = out.splitlines()
    assert (code, first) == (0, "Worker 0: lost. No sign of life for 15 s.")
    assert where == "  /knopfdruck/dev/ec2  i-0abc"
    assert page.startswith("  https://eu-central-1.console.aws.amazon.com/")
    assert second == "Worker 0 (epoch 2): launched."
    listed = json.loads(manage("loadtest", "logs", run.id, "--json")[1])["workers"]
    assert [worker["log"]["stream"] for worker in listed] == ["i-0abc", ""]


def test_with_a_slot_it_prints_what_that_worker_said(manage: Manage) -> None:
    run = a_failed_run()
    code, out, _ = manage("loadtest", "logs", run.id, "--slot", "1")
    assert (code, out.splitlines()) == (0, ["Worker 1: done.", "What the engine wrote:", "  one", "  two"])
    found = json.loads(manage("loadtest", "logs", run.id, "--slot", "1", "--lines", "1", "--json")[1])
    assert (found["engine"], found["log"]) == (["two"], None)


def test_a_worker_there_never_was_and_a_wrong_number_are_said(manage: Manage) -> None:
    run = a_failed_run()
    code, _, err = manage("loadtest", "logs", run.id, "--slot", "9")
    assert code != 0
    assert "no worker of slot 9" in err
    assert manage("loadtest", "logs", run.id, "--slot", "1", "--lines", "0")[0] != 0
