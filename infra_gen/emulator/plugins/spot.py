"""What EC2 says to a spot instance before it takes it away: the rebalance recommendation, and the notice two minutes ahead."""

from __future__ import annotations

import contextlib
import json
import threading
import time

from infra_gen.emulator.plugins import groups, machines

NOTICE_SECONDS = 120.0


def notice(instance: str, seconds: float = NOTICE_SECONDS, action: str = "terminate") -> dict[str, object]:
    """Appears in the metadata at once; the instance is terminated after `seconds`, drained or not."""
    at = time.time() + seconds
    document = {"action": action, "time": _stamp(at)}
    events = machines.RUNNING[instance].server.metadata.events
    events["spot/instance-action"] = json.dumps(document)
    events["spot/termination-time"] = _stamp(at)
    timer = threading.Timer(seconds, _take, args=(instance,))
    timer.daemon = True
    timer.start()
    return {"instance": instance, **document}


def rebalance(instance: str) -> dict[str, object]:
    """Only says that the risk has grown; a group with CapacityRebalance starts the replacement at once."""
    document = {"noticeTime": _stamp(time.time())}
    machine = machines.RUNNING[instance]
    machine.server.metadata.events["events/recommendations/rebalance"] = json.dumps(document)
    groups.at_risk(instance, machine.scope)
    return {"instance": instance, **document}


def _take(instance: str) -> None:
    with contextlib.suppress(KeyError):
        machines.lose(instance, abruptly=False)


def _stamp(at: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))
