"""What a plan will cost on AWS, low, likely and high, from a small dated price table. Asks nobody; the portal's page is no bill.

Compute only: data transfer, NAT, logs and storage depend on the target's answers and are named as left out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction

from portal.core.load import ClosedLoad, exact_seconds
from portal.core.plan import LoadPlan
from portal.core.sizing import planned_vus

CURRENCY, REGION = "USD", "us-east-1"
SPOT_DISCOUNT = 0.5
"""What can be counted on; platforms advertise more than is seen."""
LEFT_OUT = ("data transfer", "NAT gateways", "logs", "storage")
HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Price:
    """One hour of one worker, as `size` says, and the day the price was read."""

    size: str
    per_hour: float
    cheapest_per_hour: float
    read: date
    starting: timedelta
    """Billed before the load begins and after it ends."""
    vcpus: int


# Lambda: GB-second 0.0000166667 (x86), 0.0000133334 (arm). Fargate: vCPU-hour 0.04048, GB-hour 0.004445; arm 0.03238, 0.00356.
PRICES = {
    "lambda": Price("1,769 MB, x86", 0.0000166667 * 3600 * 1769 / 1024, 0.0000133334 * 3600 * 1769 / 1024,
                    date(2026, 7, 13), timedelta(seconds=15), 1),
    "fargate": Price("2 vCPU, 4 GB, x86", 2 * 0.04048 + 4 * 0.004445, 2 * 0.03238 + 4 * 0.00356,
                     date(2026, 3, 10), timedelta(minutes=5), 2),
    "ec2": Price("c7g.2xlarge", 0.29, 0.29 * (1 - SPOT_DISCOUNT), date(2026, 7, 20), timedelta(minutes=15), 8),
}  # fmt: skip
ON_DEMAND = 2
"""EC2 workers that are not on Spot; the rest usually are."""
SPARES = 0.1


@dataclass(frozen=True, slots=True)
class Cost:
    low: float
    likely: float
    high: float


@dataclass(frozen=True, slots=True)
class Quota:
    """A limit of the account this run uses up a part of; `default` is what a new account has."""

    name: str
    used: int
    default: int

    @property
    def is_exceeded(self) -> bool:
        return self.used > self.default


@dataclass(frozen=True, slots=True)
class Estimate:
    workers: int
    duration: timedelta
    vus: int
    vu_hours: float
    cost: Cost
    price: Price
    quotas: tuple[Quota, ...]


def estimate(plan: LoadPlan) -> Estimate:
    price = PRICES[plan.backend]
    vus = planned_vus(plan.load)
    return Estimate(plan.workers, plan.duration, vus, round(vu_hours(plan), 4), _COSTS[plan.backend](plan, price), price,
                    _quotas(plan, price))  # fmt: skip


def vu_hours(plan: LoadPlan) -> float:
    """Virtual users times hours: the area under a closed load, the most users all the time for any other."""
    if isinstance(plan.load, ClosedLoad):
        levels = (plan.load.start, *(stage.target for stage in plan.load.stages))
        steps = zip(levels, plan.load.stages, strict=False)
        areas = ((before + stage.target) / 2 * exact_seconds(stage.duration) for before, stage in steps)
        return float(sum(areas, Fraction(0)) / 3600)
    return planned_vus(plan.load) * (plan.duration / HOUR)


def _hours(plan: LoadPlan, price: Price, *, whole: bool = False) -> float:
    """Billed hours of all workers; `whole`: until every worker's own deadline."""
    return plan.machines * (((plan.deadline if whole else plan.duration) + price.starting) / HOUR)


def _steady(plan: LoadPlan, price: Price) -> Cost:
    """Lambda and Fargate: the same hours on the cheaper machine, on this one, and on this one until the deadline."""
    hours = _hours(plan, price)
    return _rounded(hours * price.cheapest_per_hour, hours * price.per_hour, _hours(plan, price, whole=True) * price.per_hour)


def _mixed(plan: LoadPlan, price: Price) -> Cost:
    """EC2: all on Spot, all but a base on Spot, and all on demand with spares until the deadline."""
    hours = _hours(plan, price)
    base = min(ON_DEMAND, plan.workers) / plan.workers
    likely = hours * (base * price.per_hour + (1 - base) * price.cheapest_per_hour)
    high = _hours(plan, price, whole=True) * price.per_hour * (1 + SPARES)
    return _rounded(hours * price.cheapest_per_hour, likely, high)


def _rounded(low: float, likely: float, high: float) -> Cost:
    return Cost(round(low, 4), round(likely, 4), round(high, 4))


_COSTS: dict[str, Callable[[LoadPlan, Price], Cost]] = {"lambda": _steady, "fargate": _steady, "ec2": _mixed}
_QUOTAS = {
    "lambda": ("Lambda: concurrent executions", 1000),
    "fargate": ("Fargate: On-Demand vCPUs", 6),
    "ec2": ("EC2: running On-Demand Standard vCPUs", 5),
}


def _quotas(plan: LoadPlan, price: Price) -> tuple[Quota, ...]:
    name, default = _QUOTAS[plan.backend]
    return (Quota(name, plan.machines * (1 if plan.backend == "lambda" else price.vcpus), default),)
