"""`AWS::IAM::OIDCProvider`, remembered only: ministack's IAM has no calls for it, but its STS knows the provider by the ARN that
stands in a role's trust policy, and reads issuer, audience and subject of a token as they are (signatures are not checked)."""

from __future__ import annotations

from typing import Any

from ministack.core.responses import get_account_id

from infra_gen.emulator.plugins.types.registry import Made, Properties, add
from infra_gen.emulator.plugins.types.stubs import MADE

KIND = "AWS::IAM::OIDCProvider"


def install() -> None:
    add(KIND, create, delete, update)


def create(logical_id: str, properties: Properties, _: str) -> Made:
    """One of a URL in an account [B: CreateOpenIDConnectProvider]."""
    url = str(properties.get("Url") or "")
    if not url.startswith("https://"):
        raise ValueError(f"Invalid Open ID Connect Provider URL: {url!r} of {logical_id} must begin with https://")
    arn = f"arn:aws:iam::{get_account_id()}:oidc-provider/{url.removeprefix('https://').rstrip('/')}"
    if arn in MADE:
        raise ValueError(f"Provider with url {url} already exists.")
    MADE[arn] = {"type": KIND, **properties}
    return arn, {"Arn": arn}


def update(physical_id: str, old: Properties, new: Properties, stack: str, logical_id: str | None = None) -> Made:
    """Another URL is another provider."""
    if old.get("Url") != new.get("Url"):
        made = create(logical_id or physical_id, new, stack)
        delete(physical_id, old)
        return made
    MADE[physical_id] = {"type": KIND, **new}
    return physical_id, {"Arn": physical_id}


def delete(physical_id: str, _: Any) -> None:
    MADE.pop(physical_id, None)
