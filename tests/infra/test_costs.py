"""What idle stacks cost: computed by hand here, from the same prices."""

from __future__ import annotations

import pytest

from infra_gen.costs import complete, idle_costs, idle_of, total
from infra_gen.main import compose
from infra_gen.parameters import PRESETS
from portal.management.infra.tree import idle_cost_lines

ROOT = compose(PRESETS["dev"])[-1]


def cost(**changes: str) -> float:
    return total(idle_costs(complete(ROOT, changes)))


def test_runners_alone_cost_next_to_nothing() -> None:
    assert cost() == pytest.approx(6 * 0.10 + 0.08, abs=0.01)


def test_nat_costs_for_each_zone() -> None:
    assert cost(RunnerSubnets="private", Zones="3") - cost() == pytest.approx(3 * (0.045 + 0.005) * 730, abs=0.01)
    assert cost(RunnerSubnets="private", ExistingVpcId="vpc-1") == cost()


def test_a_portal_is_tasks_a_balancer_a_database_and_secrets() -> None:
    tasks = 2 * (0.5 * 0.04048 + 1 * 0.004445 + 0.005) * 730
    balancer = (0.0225 + 2 * 0.005) * 730
    database = 0.016 * 730 + 20 * 0.115
    assert cost(DeployPortal="true") - cost() == pytest.approx(tasks + balancer + database + 2 * 0.40 + 4 * 0.10, abs=0.01)


def test_a_second_zone_doubles_the_database() -> None:
    more = cost(DeployPortal="true", DatabaseMultiZone="true") - cost(DeployPortal="true")
    assert more == pytest.approx(0.016 * 730 + 20 * 0.115, abs=0.01)


def test_waiting_workers_are_paid_for() -> None:
    assert cost(PoolLeast="3") - cost() == pytest.approx(3 * (2 * 0.04048 + 4 * 0.004445 + 0.005) * 730, abs=0.01)
    assert cost(PoolLeast="3", DeployFargate="false") == cost()


def test_every_preset_has_a_cost_and_prod_the_highest() -> None:
    totals = [total(idle_of(preset, compose(preset)[-1])) for preset in PRESETS.values()]
    assert totals == sorted(totals)
    assert 0 < totals[0] < 1
    assert 50 < totals[1] < totals[2]


def test_diff_prints_them_with_what_is_left_out() -> None:
    lines = idle_cost_lines(PRESETS["dev"], {"DeployPortal": "true", "PortalImage": "x"}, "eu-central-1")
    assert any("database: 1 x db.t4g.micro with 20 GB" in line for line in lines)
    assert f"{cost(DeployPortal='true'):8.2f} USD  in all" in lines[-2]
    assert "eu-central-1 may cost up to a fifth more" in lines[-1]
    assert "the runs themselves" in lines[-1]
    assert "fifth" not in idle_cost_lines(PRESETS["dev"], {}, "us-east-1")[-1]
