"""Whether an environment's place can be used, as whoever set it up wants to know before the first run."""

from __future__ import annotations

from portal.core.access import Action, Actor
from portal.core.cloud_ports import Finding
from portal.models import Environment
from portal.wiring import Parts

HERE = Finding("place", True, "Workers run on this machine.")


def check_connection(environment: Environment, parts: Parts, *, by: Actor) -> tuple[Finding, ...]:
    """In the order asked. Raises Forbidden."""
    by.must(Action.ADMIN, environment.name)
    place = environment.aws_place()
    return (HERE,) if place is None else parts.inspect(place)
