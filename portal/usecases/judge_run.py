"""A run's result from what lies in its store: every snapshot merged once, coverage, thresholds, verdict. Writes nothing."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping

from portal.core.data_use import used
from portal.core.health import WorkerHealth
from portal.core.load import OpenLoad, arrivals_until
from portal.core.log_lines import log_lines
from portal.core.loss import holes
from portal.core.merged_run import MergedRun
from portal.core.plan import LoadPlan
from portal.core.protocol import Done, DoneReason
from portal.core.run_state import EndReason
from portal.core.summary import RunSummary, summarise
from portal.core.thresholds import ThresholdResult
from portal.core.timeline import TimePoint
from portal.core.verdict import Verdict, judge
from portal.models import Run, Worker
from portal.models.worker import WorkerState
from portal.stores.run_store import RunStore
from portal.usecases.assess_run import assess_all
from portal.usecases.census import NO_LOAD, has_begun
from portal.usecases.draw_timeline import draw_timeline
from portal.usecases.examine_workers import achieved, examine_workers, skew
from portal.usecases.gather_series import GatheredSeries, workers_of
from portal.usecases.note_lines import told


@dataclasses.dataclass(frozen=True, slots=True)
class Judged:
    summary: RunSummary
    results: tuple[ThresholdResult, ...]
    verdict: Verdict
    end_reason: EndReason
    message: str
    timeline: tuple[TimePoint, ...]
    health: tuple[WorkerHealth, ...]
    log: tuple[str, ...] = ()
    """What the engines wrote and nobody has told yet."""

    def with_note(self, note: str) -> Judged:
        return dataclasses.replace(self, verdict=dataclasses.replace(self.verdict, notes=(*self.verdict.notes, note)))


def judge_run(run: Run, store: RunStore, gathered: GatheredSeries | None = None) -> Judged:
    """The same store gives the same result, however often it is asked."""
    plan = run.load_plan()
    gathered = gathered or gather_all(run, store)
    merged = gathered.merged
    newest = _newest(run, store)
    epochs = {slot: newest[slot].epoch if slot in newest else 1 for slot in range(plan.workers)}
    said = store.dones()
    dones = {slot: said[slot, epoch] for slot, epoch in epochs.items() if (slot, epoch) in said}
    # Not from the row: a run that is stopped in the moment of its start may have one that the row does not know of.
    start = store.started()
    t0 = None if start is None else start.t0
    no_load = _no_load(run)
    lost = _lost(newest, plan, dones, no_load) if start else ()
    block = merged.totals()
    until = _until(merged, dones, t0)
    seconds = 0.0 if t0 is None else float(until - t0)
    ends = {} if t0 is None else _ends(plan, dones, t0, until, no_load)
    coverage = 0.0 if t0 is None else merged.coverage(t0, ends)
    skews = [late for done in said.values() if (late := skew(done, t0)) is not None]
    summary = summarise(
        block, t0=t0, seconds=seconds, coverage=round(coverage, 4), workers=plan.workers, lost=lost,
        start_skew_ms=round(_widest(skews), 1) if skews else None, vus_max=merged.users(),
    )  # fmt: skip
    results = assess_all(plan, gathered, t0 or until, until, run.progress)
    reason, message = _reason(run, summary, tuple(said.values()))
    timeline = draw_timeline(gathered, t0, until)
    summary = dataclasses.replace(summary, achieved=achieved(plan, merged, summary, timeline))
    gaps = () if t0 is None else merged.missing(t0, ends)
    place = run.where()
    alone = place is not None and not place.is_on_this_machine
    places = {slot: row.place for slot, row in newest.items()} if alone and plan.elastic else None
    health = examine_workers(plan, dones, t0, lost=lost, gaps=gaps, alone=alone, places=places)
    verdict = judge(
        summary, results, end_reason=reason, workers=health, requested=_arrivals(plan), achieved=summary.achieved,
        on_loss=plan.on_worker_loss,
    )  # fmt: skip
    verdict = used(verdict, plan.data, turns=summary.iterations, workers=plan.workers)
    judged = Judged(summary, results, verdict, reason, message, timeline, health, log_lines(said.values(), told(run.id)))
    missing = {*lost, *(slot for slot, epoch in epochs.items() if epoch > 1)}
    for hole in holes(gaps, t0, ends, slots=missing) if t0 is not None else ():
        judged = judged.with_note(hole)
    return judged.with_note(f"Snapshots that could not be read: {merged.unreadable}.") if merged.unreadable else judged


def gather_all(run: Run, store: RunStore) -> GatheredSeries:
    """Every snapshot there is, once the workers are gone."""
    gathered = GatheredSeries(store, run.load_plan().flush_every.total_seconds())
    launched = Worker.objects.filter(run=run).values_list("slot", "epoch")
    gathered.read_rest(workers_of(store, launched), store.dones())
    return gathered


def _newest(run: Run, store: RunStore) -> dict[int, Worker]:
    """Of every slot who made its load last: what a worker said that was replaced tells nothing of how the slot ended."""
    return {row.slot: row for row in Worker.objects.filter(run=run).order_by("epoch") if has_begun(row, store)}


def _reason(run: Run, summary: RunSummary, said: Collection[Done]) -> tuple[EndReason, str]:
    """Engines end a script that throws in every iteration as if all were well; here that is a script error."""
    reason = EndReason(run.end_reason or EndReason.COMPLETED)
    thrown = sum(done.script_errors for done in said)
    if reason is EndReason.COMPLETED and thrown and (not summary.requests or thrown >= summary.iterations):
        words = [done.message for done in said if done.script_errors and done.message]
        return EndReason.SCRIPT_ERROR, words[0] if words else "The script threw in every iteration."
    return reason, run.message


def _widest(skews: list[float]) -> float:
    return max(skews, key=lambda skew: abs(skew))


def _no_load(run: Run) -> frozenset[DoneReason]:
    """A worker that its platform ended took its load along; in a run that was being stopped it was us who asked."""
    was_stopped = run.end_reason not in ("", EndReason.COMPLETED, EndReason.WORKERS_LOST)
    return NO_LOAD if was_stopped else NO_LOAD | {DoneReason.TERMINATED}


def _lost(
    newest: Mapping[int, Worker], plan: LoadPlan, dones: Mapping[int, Done], no_load: frozenset[DoneReason]
) -> tuple[int, ...]:
    """Slots whose load is missing."""
    ended = {slot for slot, row in newest.items() if row.state == WorkerState.DONE}
    vanished = set(range(plan.workers)) - dones.keys() - ended
    return tuple(sorted(vanished | {slot for slot, done in dones.items() if done.reason in no_load}))


def _until(merged: MergedRun, dones: Mapping[int, Done], t0: int | None) -> int:
    """The first unix second after the start for which no worker speaks any more."""
    said = (done.last_second for done in dones.values() if done.last_second is not None)
    return max((t0 or 0, merged.newest, *said))


def _ends(plan: LoadPlan, dones: Mapping[int, Done], t0: int, until: int, no_load: frozenset[DoneReason]) -> dict[int, int]:
    """The unix second until which each slot should have measured: its own last word; for a lost one the plan's end, or
    the others' where that came sooner."""
    good = {slot: done.last_second for slot, done in dones.items() if done.reason not in no_load}
    planned = t0 + int(plan.duration.total_seconds())
    if good:
        planned = min(planned, until)
    own = {slot: second for slot, second in good.items() if second is not None}
    broken = {slot: done.last_second or 0 for slot, done in dones.items() if slot not in good}
    return {slot: own.get(slot, max(planned, broken.get(slot, 0))) for slot in range(plan.workers)}


def _arrivals(plan: LoadPlan) -> int | None:
    return int(arrivals_until(plan.load, plan.duration)) if isinstance(plan.load, OpenLoad) else None
