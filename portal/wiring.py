"""The composition root: configuration in, the parts a use case needs out. Chosen here and nowhere else."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cache, lru_cache
from importlib import import_module
from pathlib import Path
from typing import Any  # Any: what is imported by name

from portal.backends import BACKENDS, LIMITS
from portal.backends.sandbox import HostSandbox
from portal.config import ROOT, PortalConfig, load
from portal.core.aws_place import AwsPlace
from portal.core.cloud_ports import Announcer, Finding, Logs
from portal.core.ports import Backend, Clock, Engine, EngineTools, ObjectStore, Sandbox
from portal.core.sizing import Limits
from portal.core.target_refs import TargetRef
from portal.core.wire import from_plain
from portal.engines import open_engine
from portal.lease_owner import own_name
from portal.models import Run
from portal.models.capacity import DatabaseLedger
from portal.net.fetch import FetchFailed, fetch
from portal.net.id_token import IdTokens
from portal.net.key_set import KeySet
from portal.net.ownership import find_proof
from portal.net.resolve import resolve
from portal.net.srv import find_srv
from portal.stores import open_store
from portal.stores.run_store import RunStore
from portal.tools import find_tools


class SystemClock:
    """The one real clock."""

    def now(self) -> float:
        return time.time()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


@cache
def _announcer(place: AwsPlace) -> Announcer:
    from portal.aws.announcer import SnsAndCloudWatch

    return SnsAndCloudWatch.of(place)


@cache
def _logs(place: AwsPlace) -> Logs:
    from portal.aws.logs import LogDoor

    return LogDoor.of(place)


def _inspect(place: AwsPlace) -> tuple[Finding, ...]:
    from portal.aws.inspection import inspect

    return inspect(place)


def _find_target(place: AwsPlace | None, ref: TargetRef) -> str:
    if place is None or not ref.needs_aws:
        return find_srv(ref.what)
    from portal.aws.discovery import Discovery

    return Discovery.of(place).find(ref)


def _is_well(url: str) -> str:
    try:
        fetch(url)
    except FetchFailed as error:
        return str(error)
    return ""


@dataclass(frozen=True, slots=True)
class Parts:
    """All that use cases take from outside. `engine`, `backend` and `store` open by name."""

    engine: Callable[[str], Engine]
    backend: Callable[[AwsPlace | None, str], Backend]
    """By place in AWS (None: this machine) and backend name (`lambda`)."""
    limits: Mapping[str, Limits]
    store: Callable[[str], RunStore]
    """By run; that of an environment in AWS lies in its bucket."""
    sandbox: Sandbox
    clock: Clock
    owner: str
    """Names this process in leases."""
    public_url: str
    resolve: Callable[[str], tuple[str, ...]] = resolve
    """The addresses of a name."""
    find_proof: Callable[[str, str, str, str], str] = find_proof
    """How somebody showed to own a host; see `net.ownership`."""
    announcer: Callable[[AwsPlace], Announcer] = _announcer
    inspect: Callable[[AwsPlace], tuple[Finding, ...]] = _inspect
    logs: Callable[[AwsPlace], Logs] = _logs
    find_target: Callable[[AwsPlace | None, TargetRef], str] = _find_target
    """Where a reference leads now. Raises PortalError."""
    is_well: Callable[[str], str] = _is_well
    """Why a URL does not answer well; empty when it does."""


@cache
def parts() -> Parts:
    """The parts of this process, built once."""
    return build(load())


if hasattr(os, "register_at_fork"):
    # The queue's workers are forks: with what was built before they would go by the name of another process.
    os.register_at_fork(after_in_child=parts.cache_clear)


def build(config: PortalConfig) -> Parts:
    tools = engine_tools(config)
    objects = open_store(config.store_url)

    def backend(place: AwsPlace | None, name: str) -> Backend:
        if place is not None:
            return _in_aws(place, name)
        opened: Backend = _factory("local", name)(
            name, store_url=config.store_url, work_dir=config.data_dir / "workers", tools=tools, root=ROOT, python=sys.executable
        )
        return opened

    return Parts(
        engine=lambda name: open_engine(name, tools), backend=backend, limits=_limits(config),
        store=lambda run_id: RunStore(_objects_of(run_id) or objects, run_id), sandbox=HostSandbox(), clock=SystemClock(),
        owner=own_name(), public_url=config.public_url,
    )  # fmt: skip


def _limits(config: PortalConfig) -> Mapping[str, Limits]:
    """Of each backend name; on Lambda a worker may be given less time than the platform would."""
    usual, longest = LIMITS["lambda"], timedelta(seconds=config.lambda_seconds)
    part = min(usual.longest_slice or longest, longest)
    return {**LIMITS, "lambda": replace(usual, longest=min(usual.longest, longest), longest_slice=part)}


@cache
def _in_aws(place: AwsPlace, name: str) -> Backend:
    """One for each place in this process: clients are dear to make, and safe between threads."""
    objects, clock = _opened(place.portal_store_url()), SystemClock()
    match name:
        case "lambda":
            opened: Backend = _factory("aws", name)(place, clock)
        case "ec2":
            opened = _factory("aws", name)(place, objects, DatabaseLedger(), clock)
        case _:
            opened = _factory("aws", name)(place, objects, clock)
    return opened


def _factory(place: str, name: str) -> Any:
    """Imported only when it is needed: a portal without AWS does without boto3."""
    module, _, path = BACKENDS[place, name].partition(":")
    found: Any = import_module(module)
    for word in path.split("."):
        found = getattr(found, word)
    return found


def _objects_of(run_id: str) -> ObjectStore | None:
    """None: the portal's own store."""
    url = _store_url_of(run_id)
    return _opened(url) if url else None


@lru_cache(maxsize=4096)
def _store_url_of(run_id: str) -> str:
    """Where a run's store is never changes. Empty: the portal's own."""
    aws = Run.objects.filter(pk=run_id).values_list("aws", flat=True).first()
    return from_plain(AwsPlace, aws).portal_store_url() if aws else ""


@cache
def _opened(url: str) -> ObjectStore:
    return open_store(url)


@cache
def id_tokens() -> IdTokens:
    """Id-tokens of jobs, for this portal as their audience."""
    config = load()
    keys = KeySet(f"{config.access.issuer}/.well-known/jwks", lambda url: fetch(url).body, time.monotonic)
    return IdTokens(keys, issuer=config.access.issuer, audience=config.public_url)


def engine_tools(config: PortalConfig) -> EngineTools:
    return replace(find_tools(config.k6, config.node, config.artillery), k6_measure=config.k6_measure)


def data_dir() -> Path:
    return load().data_dir
