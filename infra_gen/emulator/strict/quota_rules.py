"""Account quotas that a new account meets first: vCPUs of Fargate and of EC2."""

from __future__ import annotations

from infra_gen.emulator.strict.request import Refusal

UNITS_OF_A_VCPU = 1024
SIZES = {"medium": 1, "large": 2, "xlarge": 4}


def fargate(running_units: int, wanted_units: int, quota: float) -> None:
    """The quota counts the vCPUs of all tasks that run, on demand and spot apart [D: Fargate service quotas; the sentence K]."""
    if running_units + wanted_units > quota * UNITS_OF_A_VCPU:
        raise Refusal("ClientException", "You've reached the limit on the number of vCPUs you can run concurrently")


def ec2(running: int, wanted: int, quota: float) -> None:
    """Standard instances, on demand or spot [D: EC2 service quotas; the sentence K]."""
    if running + wanted > quota:
        message = (
            f"You have requested more vCPU capacity than your current vCPU limit of {quota:g} allows for the instance bucket "
            "that the specified instance type belongs to."
        )
        raise Refusal("VcpuLimitExceeded", message)


def vcpus(instance_type: str) -> int:
    """By the size's name: large is 2, xlarge 4, 4xlarge 16."""
    size = instance_type.rpartition(".")[2]
    factor = size.removesuffix("xlarge")
    return SIZES["xlarge"] * int(factor) if size.endswith("xlarge") and factor.isdigit() else SIZES.get(size, 1)
