"""From a queued run to started workers. Repeatable at every point: what is done already is found and left.

One actor at a time holds the run's lease; workers of a doubled launch lose the slot lease in the store and exit.
"""

from __future__ import annotations

import dataclasses
import hashlib
import logging
from datetime import UTC, datetime

from django.db import transaction

from portal.core.access import SYSTEM
from portal.core.cloud_ports import PartlyLaunched
from portal.core.errors import Conflict, PlanRejected, PortalError, RequestRejected
from portal.core.plan import LoadPlan, is_scripted
from portal.core.ports import WorkerHandle
from portal.core.protocol import Pulse
from portal.core.recheck import recheck
from portal.core.run_state import EndReason, RunState
from portal.core.secret_refs import with_stand_ins
from portal.core.split import split
from portal.core.wire import to_plain
from portal.models import Run, Worker
from portal.models.audit import Deed
from portal.stores.bundle import pack
from portal.stores.run_store import RunStore
from portal.usecases.admit_run import admit_run
from portal.usecases.check_targets import check_targets
from portal.usecases.end_run import end_run
from portal.usecases.find_targets import check_health
from portal.usecases.record_refusal import record_refusal
from portal.wiring import Parts

log = logging.getLogger("portal.launch")
MOST_ATTEMPTS = 3
BATCH = 50
LEASE_SECONDS = 90.0


def launch_run(run_id: str, parts: Parts) -> None:
    """Does nothing for a run that is further on, or that another process is launching."""
    Run.objects.advance(run_id, RunState.PLANNING, old=(RunState.QUEUED,))
    if not Run.objects.lease_launch(run_id, owner=_owner(parts), now=parts.clock.now(), seconds=LEASE_SECONDS):
        return
    try:
        run = Run.objects.select_related("version__scenario", "environment").get(pk=run_id)
        if run.launch_attempts > MOST_ATTEMPTS and _missing(run):
            end_run(run_id, EndReason.LAUNCH_FAILED, parts, message=f"{MOST_ATTEMPTS} attempts to launch did not finish.")
            return
        _launch(run, parts)
    except (PlanRejected, Conflict) as error:
        if end_run(run_id, EndReason.REJECTED, parts, message=str(error)):
            record_refusal(SYSTEM, Deed.RUN_REFUSED, str(error), run=run)
    except RequestRejected as error:
        end_run(run_id, EndReason.SCRIPT_ERROR, parts, message=str(error))
    except (PortalError, OSError) as error:
        log.warning("launch_failed", extra={"run_id": run_id, "error": repr(error)})
        end_run(run_id, EndReason.LAUNCH_FAILED, parts, message=str(error))
    finally:
        Run.objects.release(run_id, owner=_owner(parts))


def _launch(run: Run, parts: Parts) -> None:
    store = parts.store(run.id)
    plan = run.load_plan()
    if run.state == RunState.PLANNING:
        plan = _prepare(run, plan, store, parts)
        waits = run.environment.requires_approval
        if not waits:
            _check_again(run, plan, parts)
        next_state = RunState.AWAITING_APPROVAL if waits else RunState.LAUNCHING
        if not Run.objects.advance(run.id, next_state, old=(RunState.PLANNING,), plan=to_plain(plan)) or waits:
            return
    elif not Worker.objects.filter(run=run).exists():
        _check_again(run, plan, parts)
    store.pulse(Pulse(parts.clock.now()))
    missing = _missing(run)
    backend = parts.backend(run.where(), run.backend)
    for start in range(0, len(missing), BATCH):
        if not Run.objects.filter(pk=run.id, state=RunState.LAUNCHING).exists():
            return
        try:
            _note(run, backend.launch(plan, missing[start : start + BATCH], 1))
        except PartlyLaunched as error:
            _note(run, error.started)
            raise
    log.info("launched", extra={"run_id": run.id, "workers": plan.workers})


def _note(run: Run, handles: tuple[WorkerHandle, ...]) -> None:
    Worker.objects.bulk_create(
        [Worker(run=run, slot=handle.slot, epoch=handle.epoch, reference=handle.reference) for handle in handles],
        ignore_conflicts=True,
    )


def _check_again(run: Run, plan: LoadPlan, parts: Parts) -> None:
    """By the environment's guard rails as they are now, and by where its hosts lead now. Raises PlanRejected and Conflict."""
    guard = run.environment.guard()
    with transaction.atomic():
        admit_run(run.environment, guard, run.cost, without=run.id)
    problems = recheck(plan, guard, now=datetime.fromtimestamp(parts.clock.now(), UTC), resolve=parts.resolve)
    if problems:
        raise PlanRejected(problems)
    check_targets(run.environment, guard, plan.targets, parts, again=True)
    check_health(run.environment, plan, parts)


def _missing(run: Run) -> tuple[int, ...]:
    """The slots no worker was started for."""
    launched = set(Worker.objects.filter(run=run).values_list("slot", flat=True))
    return tuple(slot for slot in range(run.workers) if slot not in launched)


def _prepare(run: Run, plan: LoadPlan, store: RunStore, parts: Parts) -> LoadPlan:
    """Bundle, plan and assignments in the store; equal on every attempt."""
    engine = parts.engine(plan.engine)
    override = None if is_scripted(plan.load) else plan.load
    files = engine.bundle(run.version.source(), override, with_stand_ins(plan.engine_environment(), plan.secrets), parts.sandbox)
    bundle = pack(files)
    plan = dataclasses.replace(plan, bundle_digest=hashlib.sha256(bundle).hexdigest())
    store.save_bundle(bundle)
    store.save_plan(plan)
    for assignment in split(plan):
        store.assign(assignment)
    return plan


def _owner(parts: Parts) -> str:
    return f"launch:{parts.owner}"
