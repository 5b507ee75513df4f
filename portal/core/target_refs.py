"""Targets that are found when a run is planned: an environment says where to look, and the plan pins the address found. Pure.

`ssm:/shop/url`, `cfn:stack/Output`, `cloudmap:namespace/service`, `alb:tag=value`, `srv:_http._tcp.shop.example.com`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from portal.core.fields import FieldError, check_entries, check_target

HINT = "Give a URL, or ssm:/name, cfn:stack/Output, cloudmap:namespace/service, alb:tag=value or srv:name."
_WORD = r"[A-Za-z0-9._-]{1,255}"
_KINDS = {
    "ssm": re.compile(r"/?[A-Za-z0-9._/-]{1,1000}"),
    "cfn": re.compile(rf"{_WORD}/[A-Za-z0-9]{{1,255}}"),
    "cloudmap": re.compile(rf"{_WORD}/{_WORD}"),
    "alb": re.compile(r"[\w .:/+@-]{1,128}=[\w .:/+@-]{1,256}"),
    "srv": re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,252}"),
}


@dataclass(frozen=True, slots=True)
class TargetRef:
    kind: str
    what: str

    @property
    def needs_aws(self) -> bool:
        return self.kind != "srv"

    def __str__(self) -> str:
        return f"{self.kind}:{self.what}"


def read_ref(value: str) -> TargetRef | None:
    """None for what is no reference, but a URL or nothing at all."""
    kind, _, what = value.partition(":")
    pattern = _KINDS.get(kind)
    return TargetRef(kind, what) if pattern is not None and pattern.fullmatch(what) else None


def targets(value: object) -> dict[str, str]:
    """An environment's targets: URLs and references. Only who changes environments may refer: what is read is not theirs."""
    found = check_entries(value)
    for address in found.values():
        if read_ref(address) is None:
            try:
                check_target(address)
            except FieldError as error:
                raise FieldError(str(error), HINT) from error
    return found


def url_of(host: str, port: int) -> str:
    """With the scheme that belongs to the port."""
    if port in (80, 443):
        return f"http{'s' if port == 443 else ''}://{host}"
    return f"http://{host}:{port}"


def references(targets: Mapping[str, str]) -> dict[str, TargetRef]:
    """By service."""
    return {service: ref for service, address in targets.items() if (ref := read_ref(address)) is not None}
