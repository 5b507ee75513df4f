from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from portal.core.verdict import Outcome
from portal.core.wire import to_plain
from portal.models import Baseline
from tests.builders import a_latency, a_summary, an_ended_run

pytestmark = pytest.mark.django_db
Manage = Callable[..., tuple[int, str, str]]


def test_a_run_is_accepted_as_baseline(manage: Manage) -> None:
    run = an_ended_run()
    code, out, _ = manage("loadtest", "baseline", run.id)
    assert (code, out) == (0, f"Run {run.id} is the baseline of product on local, lambda.\n")
    assert Baseline.objects.get().run == run
    assert json.loads(manage("loadtest", "baseline", run.id, "--json")[1])["run"] == run.id
    code, _, err = manage("loadtest", "baseline", an_ended_run(Outcome.INCONCLUSIVE).id)
    assert code != 0
    assert "inconclusive" in err


def test_two_runs_are_set_side_by_side(manage: Manage) -> None:
    before, now = an_ended_run(created=timezone.now() - timedelta(days=1)), an_ended_run()
    now.result.summary = to_plain(a_summary(latency=a_latency(60)))
    now.result.save()
    code, out, _ = manage("loadtest", "compare", now.id, before.id)
    assert code == 0
    assert out.splitlines()[0] == f"Run {now.id} beside run {before.id}"
    assert "WORSE  p95 +40 %, outside the usual ±10 %" in out
    assert "116 ms before, 162 ms now" in out
    assert json.loads(manage("loadtest", "compare", now.id, before.id, "--json")[1])["regressions"] == ["p50", "p95", "p99"]
