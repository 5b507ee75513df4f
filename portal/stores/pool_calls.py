"""The controller's side of a pool: a run's calls go in, and what became of each comes out of claims and signs of life."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from portal.core.plan import LoadPlan
from portal.core.ports import WorkerHandle, WorkerStatus
from portal.stores.pool import Call, Claim, Held, PoolStore, Presence, PresenceState

SILENT_SECONDS = 30.0
"""A machine that says nothing for as long is gone; one that works is missed earlier, by its agent's own heartbeat."""
JUST_CLAIMED = 3.0
REFERENCE = "call:"
MOST_RUNS = 100
"""Whose claims are remembered."""


class PoolCalls:
    """`now` is unix seconds in every call."""

    def __init__(self, pool: PoolStore) -> None:
        self.pool = pool
        self._claims: dict[str, dict[tuple[int, int], Claim]] = {}

    def ask(
        self, plan: LoadPlan, slots: Iterable[int], epoch: int, *, now: float, cores: int = 0, worker: str = ""
    ) -> tuple[WorkerHandle, ...]:
        """One call for each slot, for `worker` or whoever is free. A first one is worth nothing after the start, a later one
        until the load is over."""
        expires = now + (plan.ready_within if epoch == 1 else plan.duration).total_seconds()
        calls = [Call(plan.run_id, slot, epoch, cores, 0, now, expires, worker) for slot in slots]
        self.pool.call(calls)
        return tuple(WorkerHandle(call.slot, epoch, f"{REFERENCE}{plan.run_id}") for call in calls)

    def statuses(self, handles: tuple[WorkerHandle, ...], *, now: float) -> Mapping[int, WorkerStatus]:
        found: dict[int, WorkerStatus] = {}
        for run_id, asked in _by_run(handles).items():
            claims = self._claims_of(run_id, asked)
            workers = {claims[place].worker for handle in asked if (place := (handle.slot, handle.epoch)) in claims}
            presences = {presence.worker: presence for presence in self.pool.presences(sorted(workers))}
            for handle in asked:
                claim = claims.get((handle.slot, handle.epoch))
                found[handle.slot] = _status(handle, run_id, claim, presences.get(claim.worker) if claim else None, now)
        return found

    def claims(self, handles: tuple[WorkerHandle, ...]) -> dict[int, Claim]:
        """By slot, of those that were claimed."""
        found: dict[int, Claim] = {}
        for run_id, asked in _by_run(handles).items():
            claims = self._claims_of(run_id, asked)
            found |= {one.slot: claims[one.slot, one.epoch] for one in asked if (one.slot, one.epoch) in claims}
        return found

    def _claims_of(self, run_id: str, asked: Iterable[WorkerHandle]) -> Mapping[tuple[int, int], Claim]:
        """A claim never changes, so each is read once."""
        if run_id not in self._claims and len(self._claims) >= MOST_RUNS:
            self._claims.clear()
        known = self._claims.setdefault(run_id, {})
        if any((handle.slot, handle.epoch) not in known for handle in asked):
            known |= self.pool.claims(run_id, known)
        return known

    def idle(self, *, now: float) -> tuple[Presence, ...]:
        """Machines that would take a call at once."""
        return tuple(one for one in self.pool.presences() if one.state is PresenceState.IDLE and now - one.at < SILENT_SECONDS)

    def take_back(self, handles: tuple[WorkerHandle, ...]) -> None:
        """Nobody begins these any more. Who has begun reads the run's own stop flag and its slot's newest epoch."""
        for handle in handles:
            self.pool.withdraw_call(handle.reference.removeprefix(REFERENCE), handle.slot, handle.epoch)


def is_call(handle: WorkerHandle) -> bool:
    return handle.reference.startswith(REFERENCE)


def _by_run(handles: Iterable[WorkerHandle]) -> dict[str, list[WorkerHandle]]:
    found: dict[str, list[WorkerHandle]] = {}
    for handle in handles:
        found.setdefault(handle.reference.removeprefix(REFERENCE), []).append(handle)
    return found


def _status(handle: WorkerHandle, run_id: str, claim: Claim | None, presence: Presence | None, now: float) -> WorkerStatus:
    """Nobody took it yet: unknown, until the run has waited long enough."""
    if claim is None:
        return WorkerStatus.UNKNOWN
    if presence is None:
        return WorkerStatus.GONE if now - claim.at > SILENT_SECONDS else WorkerStatus.UNKNOWN
    if now - presence.at > SILENT_SECONDS:
        return WorkerStatus.GONE
    if Held(run_id, handle.slot, handle.epoch) not in presence.holds:
        # It is free again, or at other work; just after the claim it has not said yet that it took this one.
        return WorkerStatus.GONE if presence.at > claim.at + JUST_CLAIMED else WorkerStatus.ALIVE
    return WorkerStatus.LEAVING if presence.state is PresenceState.DRAINING else WorkerStatus.ALIVE
