"""A pool's workers as a run sees them: who holds which of its slots, and who has room."""

from __future__ import annotations

from collections import Counter

from portal.core.elastic import Member
from portal.stores.pool import PoolStore, PresenceState
from portal.stores.pool_calls import SILENT_SECONDS


def crew(pool: PoolStore, run_id: str, *, now: float) -> tuple[Member, ...]:
    """Those heard lately; `now` in unix seconds.

    Of a slot that is being handed over only who goes on with it counts. A call that names a worker counts as if it had been
    taken, so that two runs do not both fill the same one.
    """
    heard = [presence for presence in pool.presences() if now - presence.at < SILENT_SECONDS]
    newest: dict[tuple[str, int], int] = {}
    for held in (held for presence in heard for held in presence.holds):
        newest[held.run, held.slot] = max(held.epoch, newest.get((held.run, held.slot), 0))
    called = Counter(call.worker for call in pool.open_calls() if call.worker and call.expires > now)
    members = []
    for presence in heard:
        own = [held for held in presence.holds if held.epoch == newest[held.run, held.slot]]
        members.append(
            Member(
                presence.worker, tuple(sorted(held.slot for held in own if held.run == run_id)),
                load=len(own) + called[presence.worker], room=presence.most - len(presence.holds) - called[presence.worker],
                leaves=presence.state is PresenceState.DRAINING,
            )
        )  # fmt: skip
    return tuple(members)
