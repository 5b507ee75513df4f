"""`manage.py ticker` as a process of its own, on the database and the store of this test run."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import pytest
from django.conf import settings
from django.db import connection

from portal.core.plan import MANY_WORKERS
from portal.core.protocol import Done, DoneReason, Start
from portal.core.run_state import EndReason, RunState
from portal.management.commands.ticker import give_back_memory, pause_after
from portal.models import Heartbeat, Run, Worker
from portal.usecases.heartbeat import TICKER
from portal.wiring import parts
from tests.builders import a_run
from tests.usecases.parts import jobs

pytestmark = pytest.mark.django_db(transaction=True)
PATIENCE_SECONDS = 60.0
"""Only something that hangs takes this long."""


def database_url() -> str:
    known = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{known['NAME']}"
    secret = f":{known['PASSWORD']}" if known["PASSWORD"] else ""
    return f"{connection.vendor}://{known['USER']}{secret}@{known['HOST']}:{known['PORT']}/{known['NAME']}"


@pytest.fixture
def ticker(transactional_db: None) -> Iterator[subprocess.Popen[bytes]]:
    environment = {**os.environ, "DATABASE_URL": database_url(), "DJANGO_SETTINGS_MODULE": "portal.settings"}
    process = subprocess.Popen([sys.executable, "manage.py", "ticker"], cwd=settings.BASE_DIR, env=environment)
    yield process
    process.kill()
    process.wait()


def comes(is_so: Callable[[], bool]) -> bool:
    until = time.monotonic() + PATIENCE_SECONDS
    while not is_so():
        if time.monotonic() > until:
            return False
        time.sleep(0.05)
    return True


def test_a_ticker_watches_revives_shows_signs_of_life_and_leaves_when_told(ticker: subprocess.Popen[bytes]) -> None:
    run, lost_job = a_run(state=RunState.LAUNCHING, workers=1), a_run()
    store = parts().store(run.id)
    store.start(Start(1_795_000_000))
    store.done(Done(0, 1, 1_795_000_010.0, DoneReason.COMPLETED, 0))
    Worker.objects.create(run=run, slot=0, reference="0:0")
    Run.objects.filter(pk=lost_job.id).update(state_since="2026-01-01T00:00Z")
    Run.objects.filter(pk=run.id).update(state=RunState.RUNNING)
    assert comes(lambda: Run.objects.filter(pk=run.id, state=RunState.COLLECTING, end_reason=EndReason.COMPLETED).exists())
    assert comes(lambda: Heartbeat.objects.filter(name=TICKER).exists())
    assert comes(lambda: len(jobs()) == 2)
    assert set(jobs()) == {("finish", (run.id,)), ("launch", (lost_job.id,))}
    ticker.send_signal(signal.SIGTERM)
    assert ticker.wait(PATIENCE_SECONDS) == 0
    assert set(Run.objects.values_list("lease_owner", flat=True)) == {""}


def test_runs_whose_delay_is_seen_are_looked_at_more_often() -> None:
    many = pause_after(RunState.RUNNING, MANY_WORKERS + 1)
    assert pause_after(RunState.LAUNCHING, MANY_WORKERS + 1) < pause_after(RunState.RUNNING, 1) < many == 1.0


def test_memory_can_be_given_back_on_any_system() -> None:
    give_back_memory()
