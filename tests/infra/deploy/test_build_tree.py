"""What is deployed, as data: parameters that stay, packages by their keys, and the alarms that take a change back."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra_gen.parameters import PRESETS
from portal.core.errors import RequestRejected
from portal.management.infra.tree import PACKAGES, build_tree
from portal.usecases.plan_stack import plan_stack
from portal.usecases.stack_parts import StackTree
from tests.infra.deploy.fakes import FakeStacks, a_cloud, a_proposal, state

NOTHING_TO_PACK = [f"Deploy{part}=false" for part in ("Lambda", "Ec2", "Api")]
ALARMS = "arn:aws:cloudwatch:eu-central-1:1:alarm:one, arn:aws:cloudwatch:eu-central-1:1:alarm:two"


def tree_of(preset: str, stacks: FakeStacks, tmp_path: Path, *settings: str) -> StackTree:
    words = [*NOTHING_TO_PACK, *settings]
    return build_tree("prod", PRESETS[preset], words, a_cloud(stacks), endpoint_url="", cache=tmp_path)


def test_a_first_deployment_has_no_alarm_to_watch_and_later_ones_watch_the_stacks_own(tmp_path: Path) -> None:
    assert tree_of("prod", FakeStacks(), tmp_path).alarms == ()
    stacks = FakeStacks(standing=state("UPDATE_COMPLETE", outputs={"RollbackAlarms": ALARMS}), proposals=[a_proposal()])
    tree = tree_of("prod", stacks, tmp_path)
    assert [arn.rpartition(":")[2] for arn in tree.alarms] == ["one", "two"]
    plan_stack(tree, a_cloud(stacks))
    assert stacks.proposed["alarms"] == tree.alarms


def test_presets_that_are_not_for_production_are_not_taken_back_by_alarms(tmp_path: Path) -> None:
    stacks = FakeStacks(standing=state("UPDATE_COMPLETE", outputs={"RollbackAlarms": ALARMS}))
    assert tree_of("dev", stacks, tmp_path).alarms == ()


def test_what_was_set_before_stays_and_what_was_hidden_is_only_named(tmp_path: Path) -> None:
    before = {"WorkersMost": "7", "SecretKey": "****", "Gone": "x", "DeployLambda": "true"}
    tree = tree_of("dev", FakeStacks(standing=state("UPDATE_COMPLETE", parameters=before)), tmp_path, "Zones=3")
    assert (tree.parameters["WorkersMost"], tree.parameters["Zones"], tree.parameters["DeployLambda"]) == ("7", "3", "false")
    assert (tree.kept, "Gone" in tree.parameters) == (("SecretKey",), False)


def test_a_parameter_nobody_knows_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RequestRejected, match="has no parameter Zone"):
        tree_of("dev", FakeStacks(), tmp_path, "Zone=3")


def test_instances_get_the_code_k6_and_artillery() -> None:
    assert {name for name, (switches, _) in PACKAGES.items() if "DeployEc2" in switches} == {
        "RunnerZipKey", "K6LayerKey", "EnginesZipKey",
    }  # fmt: skip
