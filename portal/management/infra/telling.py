"""After a deployment: the portal's environment is pointed at the stack, and the connection is tried."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any  # Any: options, as argparse has them

from django.db import DatabaseError

from portal.aws.cloudformation import StackState
from portal.management.infra.clouds import is_on_this_machine
from portal.models import Environment
from portal.usecases.check_connection import check_connection
from portal.usecases.identify_actor import command_line_actor
from portal.usecases.register_stack import register_stack
from portal.usecases.stack_parts import StackCloud
from portal.wiring import parts


def tell_portal(state: StackState, options: dict[str, Any], cloud: StackCloud, say: Callable[..., None]) -> None:
    """A portal without a database here (a build machine) is no failure of the deployment."""
    name = options["known_as"] or f"aws-{options['env']}"
    try:
        row = register_stack(
            name, state.outputs, region=cloud.region, endpoint_url=options["endpoint_url"], profile=options["profile"],
            by=command_line_actor(), targets=_targets(options["endpoint_url"]),
        )  # fmt: skip
    except DatabaseError as error:
        say(f"The portal's database cannot be used here ({error}), so no environment was filled.")
        return
    say(f"The portal's environment {row.name} points at it.")
    for finding in check_connection(row, parts(), by=command_line_actor()):
        say(f"  {'fine' if finding.is_fine else 'WRONG'}  {finding.what}: {finding.words}")


def _targets(endpoint_url: str) -> dict[str, str]:
    """An emulator's workers are here, so a new environment gets what this machine's own has: the sample shop."""
    here = Environment.objects.filter(name="local").first() if is_on_this_machine(endpoint_url) else None
    return dict(here.targets) if here else {}
