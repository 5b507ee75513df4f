"""What the stacks cost a month while nothing runs, from a small dated table. A run's own cost is the portal's estimate.

Prices are those of us-east-1 in USD, without tax and free tiers; other regions cost up to a fifth more. What depends on use
is left out: storage, traffic, logs, requests. Asks nobody: the account's bill is the truth.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from infra_gen.alarms import ALARMS
from infra_gen.parameters import Preset
from infra_gen.stack import Stack

HOURS = 730
"""Of a month, as AWS counts."""
PRICED_REGION: Final = "us-east-1"
READ: Final = date(2026, 11, 23)
LEFT_OUT = ("storage of results, EFS and images", "traffic", "logs", "requests", "the runs themselves")

_HOUR: Final = {
    "NAT gateway": 0.045, "public address": 0.005, "load balancer": 0.0225, "interface endpoint": 0.01,
    "Fargate processor": 0.04048, "Fargate gigabyte": 0.004445,
    "db.t4g.micro": 0.016, "db.t4g.small": 0.032, "db.t4g.medium": 0.065, "db.m7g.large": 0.168,
}  # fmt: skip
_MONTH: Final = {
    "database gigabyte": 0.115,
    "secret": 0.40,
    "alarm": 0.10,
    "firewall": 8.0,
    "weekly image": 0.60,
    "sweeper": 0.08,
}
"""The firewall with its three rules; an image made weekly is half an hour of a small machine, and its snapshot."""


@dataclass(frozen=True, slots=True)
class IdleCost:
    """`part` is a stack's name, `what` says how many of what."""

    part: str
    what: str
    month: float


def idle_costs(parameters: Mapping[str, str]) -> tuple[IdleCost, ...]:
    """For the root's parameters, all of them (see `complete`). Nothing that costs nothing is listed."""
    found = (*_network(parameters), *_fargate(parameters), *_image(parameters), *_portal(parameters), *_api(parameters),
             *_monitoring(parameters))  # fmt: skip
    return tuple(cost for cost in found if cost.month > 0)


def total(costs: tuple[IdleCost, ...]) -> float:
    return round(sum(cost.month for cost in costs), 2)


def complete(root: Stack, given: Mapping[str, str]) -> dict[str, str]:
    """The root's defaults, with what is given instead."""
    defaults = {name: str(each.properties.get("Default", "")) for name, each in root.template.parameters.items()}
    return {**defaults, **given}


def idle_of(preset: Preset, root: Stack) -> tuple[IdleCost, ...]:
    return idle_costs(complete(root, preset.defaults))


def _is_on(parameters: Mapping[str, str], name: str) -> bool:
    return parameters[name] == "true"


def _network(p: Mapping[str, str]) -> Iterator[IdleCost]:
    if p["RunnerSubnets"] == "private" and not p["ExistingVpcId"]:
        zones = int(p["Zones"])
        hourly = _HOUR["NAT gateway"] + _HOUR["public address"]
        yield IdleCost("network", f"{zones} NAT gateways with an address each", zones * hourly * HOURS)


def _tasks(count: int, cpu: str, memory: str, public: bool) -> float:
    hourly = int(cpu) / 1024 * _HOUR["Fargate processor"] + int(memory) / 1024 * _HOUR["Fargate gigabyte"]
    return count * (hourly + (_HOUR["public address"] if public else 0)) * HOURS


def _fargate(p: Mapping[str, str]) -> Iterator[IdleCost]:
    if _is_on(p, "DeployFargate"):
        least, public = int(p["PoolLeast"]), p["RunnerSubnets"] == "public"
        yield IdleCost("fargate", f"{least} workers that wait in the pool", _tasks(least, p["TaskCpu"], p["TaskMemory"], public))
        if _is_on(p, "PoolBalancer"):
            yield IdleCost("fargate", "1 load balancer for health checks", _HOUR["load balancer"] * HOURS)


def _image(p: Mapping[str, str]) -> Iterator[IdleCost]:
    if _is_on(p, "DeployEc2") and p["ImageSchedule"] == "weekly":
        yield IdleCost("ec2_image", "an image every week", _MONTH["weekly image"])


def _portal(p: Mapping[str, str]) -> Iterator[IdleCost]:
    if not _is_on(p, "DeployPortal"):
        return
    count, public = int(p["PortalCount"]) + 1, p["RunnerSubnets"] == "public"
    yield IdleCost("portal", f"{count} tasks", _tasks(count, p["PortalCpu"], p["PortalMemory"], public))
    addresses = int(p["Zones"]) if p["PortalScheme"] == "internet-facing" else 0
    hourly = _HOUR["load balancer"] + addresses * _HOUR["public address"]
    yield IdleCost("portal", f"1 load balancer with {addresses} addresses", hourly * HOURS)
    twice = 2 if _is_on(p, "DatabaseMultiZone") else 1
    disk = int(p["DatabaseGigabytes"]) * _MONTH["database gigabyte"]
    yield IdleCost("database", f"{twice} x {p['DatabaseClass']} with {p['DatabaseGigabytes']} GB",
                   twice * (_HOUR[p["DatabaseClass"]] * HOURS + disk))  # fmt: skip
    yield IdleCost("database", "1 secret", _MONTH["secret"])


def _api(p: Mapping[str, str]) -> Iterator[IdleCost]:
    if _is_on(p, "DeployApi") or _is_on(p, "DeployPortal"):
        yield IdleCost("settings", "1 secret", _MONTH["secret"])
    if not _is_on(p, "DeployApi"):
        return
    if _is_on(p, "DeployPortal"):
        zones = int(p["Zones"])
        yield IdleCost("api", f"{zones} interface endpoints", zones * _HOUR["interface endpoint"] * HOURS)
    if _is_on(p, "ApiFirewall"):
        yield IdleCost("api", "1 firewall with 3 rules", _MONTH["firewall"])


def _monitoring(p: Mapping[str, str]) -> Iterator[IdleCost]:
    parts = {part for part in ("Lambda", "Fargate", "Ec2", "Api", "Portal") if _is_on(p, f"Deploy{part}")}
    alarms = [alarm for alarm in ALARMS if not alarm.condition or alarm.condition.removeprefix("Has") in parts]
    yield IdleCost("monitoring", f"{len(alarms)} alarms", len(alarms) * _MONTH["alarm"])
    yield IdleCost("monitoring", "the sweeper, every five minutes", _MONTH["sweeper"])
