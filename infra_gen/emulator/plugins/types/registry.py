"""How a resource type is added or changed: functions over ministack's table of provisioners."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from ministack.services.cloudformation import provisioners

Properties = dict[str, Any]
Made = tuple[str, dict[str, Any]]
Create = Callable[[str, Properties, str], Made]
Delete = Callable[[str, Properties], None]
Update = Callable[..., Made]
Keep = Callable[[str, Properties | None, Properties], None]
"""Of a physical id, the properties it had before (None: it is new) and those it has now."""


def add(kind: str, create: Create, delete: Delete, update: Update | None = None) -> None:
    """Without `update`, a change replaces: the new one is made first, and the old one deleted after it."""

    def replace(physical_id: str, old: Properties, new: Properties, stack: str, logical_id: str | None = None) -> Made:
        made = create(logical_id or physical_id, new, stack)
        delete(physical_id, old)
        return made

    provisioners._RESOURCE_HANDLERS[kind] = {"create": create, "delete": delete, "update": update or replace}


def wrap(kind: str, part: str, make: Callable[[Any], Any]) -> None:
    """One of the functions of a type that ministack has."""
    handler = dict(provisioners._RESOURCE_HANDLERS[kind])
    handler[part] = make(handler[part])
    provisioners._RESOURCE_HANDLERS[kind] = handler


def afterwards(kind: str, keep: Keep) -> None:
    """`keep` puts right what ministack has just made or changed of a type it has."""

    def creating(create: Create) -> Create:
        def created(logical_id: str, properties: Properties, stack: str) -> Made:
            physical_id, attributes = create(logical_id, properties, stack)
            keep(physical_id, None, properties)
            return physical_id, attributes

        return created

    def updating(update: Update) -> Update:
        def updated(physical_id: str, old: Properties, new: Properties, *rest: Any, **named: Any) -> Made:
            made_id, attributes = update(physical_id, old, new, *rest, **named)
            keep(made_id, old, new)
            return made_id, attributes

        return updated

    wrap(kind, "create", creating)
    wrap(kind, "update", updating)


def called(answer: tuple[int, Any, Any]) -> str:
    """The text of a service's own answer; an error becomes the reason of a failed resource."""
    status, _, body = answer
    text = body.decode() if isinstance(body, bytes) else str(body)
    if status >= 300:
        found = re.search(r"<Message>(.*?)</Message>|\"[mM]essage\":\s*\"(.*?)\"", text, re.S)
        raise ValueError((found.group(1) or found.group(2)) if found else text)
    return text


def element(text: str, tag: str) -> str:
    found = re.search(rf"<{tag}>([^<]*)</{tag}>", text)
    if found is None:
        raise ValueError(f"no <{tag}> in {text[:200]}")
    return found.group(1)


def tags_as_query(properties: Mapping[str, Any], kind: str) -> dict[str, list[str]]:
    """`Tags` of a template as EC2's query protocol has them."""
    tags = properties.get("Tags") or []
    query: dict[str, list[str]] = {"TagSpecification.1.ResourceType": [kind]} if tags else {}
    for number, tag in enumerate(tags, 1):
        query[f"TagSpecification.1.Tag.{number}.Key"] = [str(tag["Key"])]
        query[f"TagSpecification.1.Tag.{number}.Value"] = [str(tag["Value"])]
    return query
