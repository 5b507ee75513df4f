"""The guard rails of an environment, as a plan carries them: the portal checks them, and the worker checks them again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from fractions import Fraction
from urllib.parse import urlsplit

from portal.core import addresses
from portal.core.duration import format_duration
from portal.core.errors import Problem
from portal.core.hours import Freeze, closed_because


@dataclass(frozen=True, slots=True)
class Guard:
    """What an environment allows; None means no limit of its own."""

    most_vus: int | None = None
    most_rate: int | None = None
    longest: timedelta | None = None
    hosts: tuple[str, ...] = ()
    """Exact, or `*.suffix`; beside those of the environment's own targets."""
    networks: tuple[str, ...] = ()
    """Addresses that are not public but allowed here."""
    loopback: bool = False
    most_runs: int | None = None
    most_cost: float | None = None
    most_cost_a_month: float | None = None
    hours: tuple[str, ...] = ()
    zone: str = "UTC"
    freezes: tuple[Freeze, ...] = ()
    approval: bool = False

    @property
    def open_networks(self) -> tuple[str, ...]:
        return (*self.networks, *(addresses.LOOPBACK if self.loopback else ()))


@dataclass(frozen=True, slots=True)
class Network:
    """Where a run's load may go: the addresses its hosts had when they were checked."""

    pins: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    is_open: bool = False
    """Hosts by suffix are allowed, whose addresses nobody knows before."""

    def blocked(self, guard: Guard) -> tuple[str, ...]:
        """For the engine: with known hosts everything else, also behind a redirect; else what is never public."""
        pinned = [address for found in self.pins.values() for address in found]
        if self.is_open:
            return addresses.forbidden_networks(guard.open_networks)
        return addresses.block_list((*pinned, *guard.open_networks))


LESS = "Ask for less, or have its guard rails changed."


def size_problems(guard: Guard, *, vus: int, rate: Fraction, length: timedelta) -> Iterator[Problem]:
    if guard.longest is not None and length > guard.longest:
        allowed = format_duration(guard.longest)
        yield Problem("duration", f"{format_duration(length)} is longer than this environment allows ({allowed}).", LESS)
    if guard.most_vus is not None and vus > guard.most_vus:
        yield Problem("vus", f"{vus:,} virtual users are more than this environment allows ({guard.most_vus:,}).", LESS)
    if guard.most_rate is not None and rate > guard.most_rate:
        yield Problem("rate", f"{float(rate):,g} arrivals/s are more than this environment allows ({guard.most_rate:,}).", LESS)


def time_problems(guard: Guard, *, start: datetime, length: timedelta) -> Iterator[Problem]:
    if said := closed_because(start, length, hours=guard.hours, zone=guard.zone, freezes=guard.freezes):
        yield Problem("environment", said, "Start it later, or make it shorter.")


def host_problems(guard: Guard, targets: Mapping[str, str], own: Mapping[str, str]) -> Iterator[Problem]:
    """Targets beyond those the environment has of its `own` need a host that it allows."""
    known = {host_of(url) for url in own.values()}
    for service, url in targets.items():
        host = host_of(url)
        if host not in known and not allows(guard, host):
            listed = ", ".join((*sorted(known), *guard.hosts)) or "none yet"
            yield Problem("targets", f"{service}: load may not go to {host} from here.", f"Allowed hosts: {listed}.")


def allows(guard: Guard, host: str) -> bool:
    if guard.loopback and (host == "localhost" or (_is_address(host) and addresses.is_within(host, addresses.LOOPBACK))):
        return True
    return any(host == rule or (rule.startswith("*.") and host.endswith(rule[1:])) for rule in guard.hosts)


def address_problems(guard: Guard, host: str, found: tuple[str, ...]) -> Iterator[Problem]:
    """For a host's addresses, as a resolver says now."""
    if not found:
        yield Problem("targets", f"{host} has no address.", "Is the name right, and can it be resolved here?")
    for address in found:
        kind = addresses.forbidden_kind(address)
        if kind and not addresses.is_within(address, guard.open_networks):
            yield Problem("targets", f"{host} is at {address}, which is {kind}.",
                          "An administrator can allow its network in the environment.")  # fmt: skip


def needs_proof(found: tuple[str, ...]) -> bool:
    """Public addresses do. What is not public is allowed by an administrator or not at all."""
    return any(not addresses.forbidden_kind(address) for address in found)


def host_of(url: str) -> str:
    return (urlsplit(url).hostname or "").rstrip(".").lower()


def _is_address(host: str) -> bool:
    try:
        addresses.read_network(host)
    except ValueError:
        return False
    return True
