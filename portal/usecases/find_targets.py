"""Turns an environment's references into the addresses they lead to now, for the plan that pins them; and asks targets how
they are before load is started at them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from portal.core.errors import PlanRejected, PortalError, Problem
from portal.core.fields import FieldError, check_target
from portal.core.plan import LoadPlan
from portal.core.target_refs import TargetRef, references
from portal.models import Environment
from portal.wiring import Parts

TRIES, PAUSE = 3, 1.0


def find_targets(environment: Environment, parts: Parts) -> dict[str, str]:
    """All targets as URLs. Raises PlanRejected naming every reference that leads nowhere."""
    found, problems = dict(environment.targets), list[Problem]()
    for service, ref in references(environment.targets).items():
        try:
            found[service] = _find(environment, ref, parts)
        except PortalError as error:
            problems.append(Problem("targets", f"{service}: {ref} leads nowhere: {error.message}", error.hint))
        except FieldError:
            problems.append(Problem("targets", f"{service}: what {ref} says is no address.", "It must be a URL."))
    if problems:
        raise PlanRejected(problems)
    return found


def _find(environment: Environment, ref: TargetRef, parts: Parts) -> str:
    place = environment.aws_place()
    if ref.needs_aws and place is None:
        raise PortalError("this environment is not in AWS.", hint="Give a URL.")
    url = parts.find_target(place, ref)
    check_target(url)
    return url


def check_health(environment: Environment, plan: LoadPlan, parts: Parts) -> None:
    """Where the environment asks for it. Raises PlanRejected: load on what is down already says nothing."""
    if environment.health_path and (problems := list(_ill(environment.health_path, plan.targets, parts))):
        raise PlanRejected(problems)


def _ill(path: str, targets: Mapping[str, str], parts: Parts) -> Iterator[Problem]:
    for service, url in targets.items():
        asked = url.rstrip("/") + path
        for left in reversed(range(TRIES)):
            if not (why := parts.is_well(asked)):
                break
            if left:
                parts.clock.sleep(PAUSE)
        else:
            yield Problem("targets", f"{service} is not well before any load: {why}", "Start it, or correct the health path.")
