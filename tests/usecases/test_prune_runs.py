"""Old raw data goes; rows and results stay."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from portal.core.errors import StoreUnavailable
from portal.core.protocol import Pulse
from portal.models import Result, Run
from portal.usecases.accept_baseline import accept_baseline
from portal.usecases.prune_runs import KEPT, prune_runs
from tests.builders import ADA, an_ended_run
from tests.usecases.parts import Scene

pytestmark = pytest.mark.django_db


def ended(scene: Scene, age: timedelta) -> Run:
    run = an_ended_run(ended=timezone.now() - age)
    scene.store(run).pulse(Pulse(1.0))
    return run


def test_only_the_raw_data_of_old_runs_goes() -> None:
    scene = Scene()
    old, young = ended(scene, KEPT + timedelta(days=1)), ended(scene, KEPT - timedelta(days=1))
    assert prune_runs(scene.parts) == 1
    assert (scene.store(old).last_pulse(), scene.store(young).last_pulse()) == (None, Pulse(1.0))
    assert dict(Run.objects.values_list("id", "pruned")) == {old.id: True, young.id: False}
    assert Result.objects.count() == 2


def test_a_baseline_keeps_everything_however_old() -> None:
    scene = Scene()
    run = ended(scene, KEPT * 2)
    accept_baseline(run.id, ADA)
    assert prune_runs(scene.parts) == 0
    assert scene.store(run).last_pulse()


def test_a_run_that_never_ended_is_kept_however_old() -> None:
    scene = Scene()
    run = ended(scene, KEPT * 2)
    Run.objects.filter(pk=run.id).update(state="collecting")
    assert prune_runs(scene.parts) == 0
    assert scene.store(run).last_pulse()


def test_pruning_again_finds_nothing_to_do() -> None:
    scene = Scene()
    ended(scene, KEPT * 2)
    assert (prune_runs(scene.parts), prune_runs(scene.parts)) == (1, 0)


def test_a_run_is_called_pruned_only_when_its_data_is_gone() -> None:
    scene = Scene()
    run = ended(scene, KEPT * 2)
    scene.objects.error, scene.objects.only = StoreUnavailable("No answer."), run.id
    with pytest.raises(StoreUnavailable):
        prune_runs(scene.parts)
    run.refresh_from_db()
    assert not run.pruned
