"""After a deployment: what the portal has to know of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any  # Any: options, as argparse has them

from portal.aws.cloudformation import StackState
from portal.usecases.stack_parts import StackCloud


def tell_portal(state: StackState, options: dict[str, Any], cloud: StackCloud, say: Callable[..., None]) -> None:
    say(f"An environment of the portal can use {state.name} by these outputs.")
