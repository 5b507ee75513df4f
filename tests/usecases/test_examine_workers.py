"""What a worker could have used: all cores less what the others used here, its own where it is alone on its machine."""

from __future__ import annotations

import os

import pytest

from portal.core.protocol import Done, DoneReason, Strain
from portal.usecases.examine_workers import examine_workers
from tests.builders import a_plan


def done(slot: int, *, cores: float, used: float, processes: int = 1) -> Done:
    strain = Strain(cores=cores)
    return Done(slot, 1, 0.0, DoneReason.COMPLETED, 0, mean_cpu_cores=used, strain=strain, processes=processes)


@pytest.mark.parametrize(("engine", "cores"), [("k6", 4.0), ("artillery", 2.0)])
def test_alone_it_has_its_own_cores_whatever_others_use(engine: str, cores: float) -> None:
    dones = {0: done(0, cores=4.0, used=3.0, processes=2), 1: done(1, cores=4.0, used=4.0, processes=2)}
    health = examine_workers(a_plan(engine=engine), dones, 0, lost=(), gaps=(), alone=True)
    assert [worker.cores for worker in health] == [cores, cores]


def test_in_a_pool_it_has_what_those_at_the_same_place_leave() -> None:
    dones = {0: done(0, cores=2.0, used=0.7), 1: done(1, cores=2.0, used=0.9), 2: done(2, cores=2.0, used=0.5)}
    places = {0: "a1 in eu-central-1a", 1: "a1 in eu-central-1a", 2: "b2 in eu-central-1b"}
    health = examine_workers(a_plan(), dones, 0, lost=(), gaps=(), alone=True, places=places)
    assert [round(worker.cores, 6) for worker in health] == [1.1, 1.3, 2.0]
    apart = examine_workers(a_plan(), dones, 0, lost=(), gaps=(), alone=True, places=dict.fromkeys(dones, ""))
    assert [worker.cores for worker in apart] == [2.0, 2.0, 2.0], "nobody knows where they were"


def test_alone_and_silent_about_it_nothing_is_made_up() -> None:
    (health,) = examine_workers(a_plan(), {0: done(0, cores=0.0, used=3.0)}, 0, lost=(), gaps=(), alone=True)
    assert (health.cores, health.busy) == (0.0, 0.0)


def test_on_one_machine_each_has_what_the_others_leave() -> None:
    dones = {0: done(0, cores=64.0, used=0.25), 1: done(1, cores=64.0, used=0.5)}
    health = examine_workers(a_plan(), dones, 0, lost=(), gaps=())
    assert [worker.cores for worker in health] == [(os.cpu_count() or 1) - 0.5, (os.cpu_count() or 1) - 0.25]
