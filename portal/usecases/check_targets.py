"""Where a run's load would go: names resolved, addresses allowed, hosts proved to be ours. Asked for the plan, and again
at the launch, by when a name may lead elsewhere and a proof may be gone."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

from django.conf import settings
from django.utils import timezone

from portal.core.errors import PlanRejected, Problem
from portal.core.guard import Guard, Network, address_problems, host_of, needs_proof
from portal.models import Environment
from portal.models.proof import HostProof
from portal.net.ownership import HEADER, file_path, record_name
from portal.wiring import Parts

PROVED_FOR = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Proof:
    host: str
    way: str


def check_targets(
    environment: Environment, guard: Guard, targets: Mapping[str, str], parts: Parts, *, again: bool = False
) -> tuple[Network, tuple[Proof, ...]]:
    """The checked addresses, and proofs that were found new. `again`: proofs on file do not count. Raises PlanRejected."""
    urls = {host_of(url): url for url in targets.values()}
    exact = {host: f"https://{host}" for host in guard.hosts if not host.startswith("*.")}
    pins = {host: parts.resolve(host) for host in (*urls, *(host for host in exact if host not in urls))}
    wanted = {host: found for host, found in pins.items() if host in urls or found}
    problems = [problem for host, found in wanted.items() for problem in address_problems(guard, host, found)]
    if problems:
        raise PlanRejected(problems)
    proofs = _proofs(environment, {**exact, **urls}, wanted, parts, again=again)
    return Network(wanted, is_open=any(host.startswith("*.") for host in guard.hosts)), proofs


def keep_proofs(environment: Environment, proofs: tuple[Proof, ...]) -> None:
    now = timezone.now()
    for proof in proofs:
        values = {"way": proof.way, "proved": now, "expires": now + PROVED_FOR}
        HostProof.objects.update_or_create(environment=environment, host=proof.host, defaults=values)


def proof_token(environment: str, host: str) -> str:
    """What the owner of a host publishes. It is no secret, and another for every portal, environment and host."""
    return hmac.new(settings.SECRET_KEY.encode(), f"own:{environment}:{host}".encode(), hashlib.sha256).hexdigest()[:32]


def _proofs(
    environment: Environment, urls: Mapping[str, str], pins: Mapping[str, tuple[str, ...]], parts: Parts, *, again: bool
) -> tuple[Proof, ...]:
    fresh = environment.proofs.filter(expires__gt=timezone.now()) if environment.pk and not again else HostProof.objects.none()
    known = set(fresh.values_list("host", flat=True))
    problems, found = [], []
    for host, addresses in pins.items():
        if not needs_proof(addresses) or host in known:
            continue
        token = proof_token(environment.name, host)
        way = parts.find_proof(_origin(urls[host]), host, addresses[0], token)
        if way:
            found.append(Proof(host, way))
        else:
            problems.append(
                Problem("targets", f"Nobody has shown yet that {host} may be load-tested from here.", _how(host, token))
            )
    if problems:
        raise PlanRejected(problems)
    return tuple(found)


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _how(host: str, token: str) -> str:
    return (
        f"Publish {token} as the TXT record {record_name(host)}, as the content of {file_path(token)}, "
        f"or as the header {HEADER} of the start page; then ask again."
    )
