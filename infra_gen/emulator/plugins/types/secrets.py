"""Ref of a secret is its ARN, as policies and functions need it; ministack gives the bare name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from infra_gen.emulator.plugins.types.registry import Made, wrap

KIND = "AWS::SecretsManager::Secret"


def install() -> None:
    wrap(KIND, "create", _with_arn)
    wrap(KIND, "update", lambda update: _with_arn(_by_name(update)))
    wrap(KIND, "delete", _by_name)


def _with_arn(make: Callable[..., Made]) -> Callable[..., Made]:
    def made(*arguments: Any, **more: Any) -> Made:
        physical_id, attributes = make(*arguments, **more)
        return str(attributes.get("Arn") or attributes.get("Id") or physical_id), attributes

    return made


def _by_name(act: Callable[..., Any]) -> Callable[..., Any]:
    def acted(physical_id: str, *rest: Any, **more: Any) -> Any:
        return act(name_of(physical_id), *rest, **more)

    return acted


def name_of(arn: str) -> str:
    """`arn:...:secret:<name>-<six letters>`."""
    return arn.split(":secret:", 1)[1][:-7] if ":secret:" in arn else arn
