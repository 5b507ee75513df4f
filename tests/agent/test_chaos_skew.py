"""A worker whose clock is two seconds wrong: nothing it measures is lost, and the run is told how wrong it is (`make chaos`)."""

from __future__ import annotations

import math
import time
from pathlib import Path

import pytest

from portal.core.protocol import DoneReason, Start
from tests.agent.rig import Rig
from tests.fakes import wait_until

pytestmark = pytest.mark.chaos


@pytest.mark.parametrize("skew", [-2.0, 2.0])
def test_a_clock_that_is_two_seconds_wrong_costs_no_number_and_is_said(tmp_path: Path, skew: float) -> None:
    rig = Rig(tmp_path, {"posts": [3, 4], "until_stopped": True, "last": 5})
    rig.clock.shift = skew

    def controller(rig: Rig) -> None:
        rig.wait_ready()
        wait_until(lambda: rig.orders._awaited, "its question for the start")
        now = time.time()
        rig.store.start(Start(math.ceil(now) + 1, at=now))
        rig.wait_hits(7)
        rig.stop()

    rig.live(controller)
    done = rig.done()
    assert (done.reason, rig.hits()) == (DoneReason.STOPPED, 12)
    assert done.strain.clock_offset_ms is not None
    assert done.strain.clock_offset_ms == pytest.approx(skew * 1000, abs=900)
    assert rig.engines() == []
