"""`manage.py ticker`: looks at every active run once a second, under a lease, so that any number of tickers may run.

Runs that wait for their workers are looked at more often: every second spent there is a second before the first request.
So are those of few workers, which ship each second: a look costs little there, and its wait is what a viewer sees late.
"""

from __future__ import annotations

import ctypes
import logging
import os
import signal
import socket
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from django.core.management import BaseCommand
from django.db import DatabaseError, close_old_connections, connections

from portal.core.plan import MANY_WORKERS
from portal.core.run_state import RunState
from portal.models import Run
from portal.usecases.heartbeat import TICKER, note_heartbeat
from portal.usecases.sweep_runs import revive_jobs
from portal.usecases.watch_run import Watches, watch_run
from portal.wiring import parts

log = logging.getLogger("portal.ticker")
LEASE_SECONDS, EVERY_SECONDS, LOOK_SECONDS, THREADS = 10.0, 1.0, 0.2, 8
FEW_SECONDS, TRIM_SECONDS = 0.4, 60.0
# Loaded once; only glibc has malloc_trim.
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None
BEFORE_START = (RunState.LAUNCHING, RunState.READY)


class Command(BaseCommand):
    help = "Watch all active runs once a second."

    def handle(self, *args: object, **options: object) -> None:
        self._ending = threading.Event()
        self._busy: set[str] = set()
        self._watches = Watches()
        self._owner = f"ticker:{socket.gethostname()}:{os.getpid()}"
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._ending.set())
        beat_at = trimmed_at = 0.0
        with ThreadPoolExecutor(THREADS) as pool:
            while not self._ending.wait(LOOK_SECONDS):
                try:
                    self._look(pool)
                    if time.monotonic() - beat_at > 3:
                        note_heartbeat(time.time(), TICKER)
                        revive_jobs()
                        self._watches.keep(Run.objects.watched().values_list("id", flat=True))
                        beat_at = time.monotonic()
                    if time.monotonic() - trimmed_at > TRIM_SECONDS:
                        give_back_memory()
                        trimmed_at = time.monotonic()
                except DatabaseError as error:
                    log.warning("database_unavailable: %s", error)
                    close_old_connections()
                    self._ending.wait(1)
        connections.close_all()

    def _look(self, pool: ThreadPoolExecutor) -> None:
        now = time.time()
        for run_id, state, workers in Run.objects.due(now).values_list("id", "state", "workers"):
            if run_id in self._busy:
                continue
            again_in = pause_after(state, workers)
            if Run.objects.lease(run_id, owner=self._owner, now=now, seconds=LEASE_SECONDS, again_in=again_in):
                self._busy.add(run_id)
                pool.submit(self._step, run_id)

    def _step(self, run_id: str) -> None:
        try:
            watch_run(run_id, parts(), self._watches)
        except Exception:  # One broken run must not end the watch over the others; the next second tries again.
            log.exception("watch_failed run_id=%s", run_id)
        finally:
            try:
                Run.objects.release(run_id, owner=self._owner)
            except DatabaseError:
                log.warning("release_failed run_id=%s", run_id)
            self._busy.discard(run_id)
            close_old_connections()


def pause_after(state: str, workers: int) -> float:
    """Seconds until the next look at a run; `LOOK_SECONDS` more at most."""
    if state in BEFORE_START:
        return LOOK_SECONDS
    return FEW_SECONDS if workers <= MANY_WORKERS else EVERY_SECONDS


def give_back_memory() -> None:
    """To the system what merging freed. Each minute's large blocks leave holes between small ones that glibc keeps: over
    hours they grow to many times what is in use."""
    trim = getattr(_LIBC, "malloc_trim", None)
    if trim is not None:
        trim(0)
