"""`ReservedConcurrentExecutions` of a template's function, which ministack leaves out: it is the function's from the start."""

from __future__ import annotations

from ministack.services import lambda_svc

from infra_gen.emulator.plugins.types.registry import Properties, afterwards

KIND, RESERVED = "AWS::Lambda::Function", "ReservedConcurrentExecutions"


def install() -> None:
    afterwards(KIND, _reserve)


def _reserve(name: str, old: Properties | None, new: Properties) -> None:
    """None is none: what is not in the template any more is given back. What it says as before is left as calls made it."""
    wanted = new.get(RESERVED)
    if old is None or old.get(RESERVED) != wanted:
        lambda_svc._functions[name]["concurrency"] = None if wanted is None else int(wanted)
