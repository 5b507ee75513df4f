"""The door to the pool's service, against answers botocore checks by each service's own model."""

from __future__ import annotations

from typing import Any  # Any: answers of services, as botocore has them

import pytest

from portal.aws.errors import AwsDenied, AwsMissing
from portal.aws.pool_service import COUNT, PoolServiceDoor, ServiceSize
from tests.aws.test_doors import failing, stubbed

pytestmark = pytest.mark.usefixtures("_keys")
CLUSTER, SERVICE = "load", "knopfdruck-dev-Pool-1ABC"
LOOK = {"cluster": CLUSTER, "services": [SERVICE]}
BOUNDS = {"ServiceNamespace": "ecs", "ResourceIds": [f"service/{CLUSTER}/{SERVICE}"], "ScalableDimension": COUNT}


def service(status: str = "ACTIVE") -> dict[str, Any]:
    return {"services": [{"serviceName": SERVICE, "status": status, "desiredCount": 2, "runningCount": 1}]}


def target() -> dict[str, Any]:
    found = {"ServiceNamespace": "ecs", "ResourceId": BOUNDS["ResourceIds"][0], "ScalableDimension": COUNT,
             "MinCapacity": 0, "MaxCapacity": 10, "RoleARN": "arn:aws:iam::1:role/x", "CreationTime": 0}  # fmt: skip
    return {"ScalableTargets": [found]}


def test_a_service_has_the_size_it_wants_and_the_most_its_scaling_allows() -> None:
    with (
        stubbed("ecs", ("describe_services", service(), LOOK)) as ecs,
        stubbed("application-autoscaling", ("describe_scalable_targets", target(), BOUNDS)) as scaling,
    ):
        assert PoolServiceDoor(ecs, scaling).look(CLUSTER, SERVICE) == ServiceSize(2, 10)


def test_it_grows_to_the_number_it_is_told() -> None:
    asked = {"cluster": CLUSTER, "service": SERVICE, "desiredCount": 3}
    with stubbed("ecs", ("update_service", {"service": {}}, asked)) as ecs:
        PoolServiceDoor(ecs, None).grow(CLUSTER, SERVICE, 3)


@pytest.mark.parametrize("answer", [{"services": [], "failures": [{"reason": "MISSING"}]}, service("INACTIVE")])
def test_a_service_that_is_gone_is_missing(answer: dict[str, Any]) -> None:
    with stubbed("ecs", ("describe_services", answer, LOOK)) as ecs, pytest.raises(AwsMissing, match="no service"):
        PoolServiceDoor(ecs, None).look(CLUSTER, SERVICE)


def test_a_service_that_nothing_scales_has_no_bounds() -> None:
    with (
        stubbed("ecs", ("describe_services", service(), LOOK)) as ecs,
        stubbed("application-autoscaling", ("describe_scalable_targets", {"ScalableTargets": []}, BOUNDS)) as scaling,
        pytest.raises(AwsMissing, match="nothing scales"),
    ):
        PoolServiceDoor(ecs, scaling).look(CLUSTER, SERVICE)


def test_who_may_not_ask_is_told_what_to_allow() -> None:
    ecs = failing("ecs", "update_service", "AccessDeniedException", 400)
    with pytest.raises(AwsDenied) as error:
        PoolServiceDoor(ecs, None).grow(CLUSTER, SERVICE, 3)
    assert "ecs:UpdateService" in error.value.hint
