"""What a caller wants a scenario, one of its versions or an environment to be, read from plain data. Looks nothing up."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import TypeVar

from portal.core import fields, guard_fields, secret_refs, target_refs
from portal.core.aws_place import read_place
from portal.core.fields import FieldError
from portal.core.reader import Reader
from portal.core.script import ScriptSource
from portal.core.thresholds import parse_thresholds

T = TypeVar("T")
ENGINES = ("k6", "artillery")
SCRIPT_NAMES = {"k6": "script.js", "artillery": "script.yml"}
VERSION_FIELDS = ("file", "script", "files", "title", "description")
SCENARIO_FIELDS = ("name", "engine", *VERSION_FIELDS)
SHELF_FIELDS = ("title", "description", "archived", "public", "fail_on_regression", "thresholds")
ENVIRONMENT_FIELDS = ("name", "description", "place", "aws", "targets", "parameters", "secrets", "thresholds", "most_vus",
                      "most_rate", "longest_seconds", "allowed_hosts", "allowed_networks", "most_runs", "most_cost",
                      "most_cost_a_month", "allowed_hours", "timezone", "freezes", "requires_approval",
                      "health_path")  # fmt: skip
MOST_FILES, LONGEST_PATH, LONGEST_TITLE = 500, 200, 200
MOST_NUMBER = 2_000_000_000
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")
_NAME_HINT = "Use small letters, digits, dots, dashes and underscores."


@dataclass(frozen=True, slots=True)
class VersionDraft:
    name: str
    source: ScriptSource
    title: str = ""
    description: str = ""


@dataclass(frozen=True, slots=True)
class EnvironmentDraft:
    name: str
    description: str = ""
    place: str = "local"
    aws: Mapping[str, object] = field(default_factory=dict)
    targets: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    thresholds: Mapping[str, object] = field(default_factory=dict)
    most_vus: int | None = None
    most_rate: int | None = None
    longest_seconds: int | None = None
    allowed_hosts: list[str] = field(default_factory=list)
    allowed_networks: list[str] = field(default_factory=list)
    most_runs: int | None = None
    most_cost: float | None = None
    most_cost_a_month: float | None = None
    allowed_hours: list[str] = field(default_factory=list)
    timezone: str = "UTC"
    freezes: list[dict[str, str]] = field(default_factory=list)
    requires_approval: bool = False
    health_path: str = ""


def parse_version(data: Mapping[str, object], *, name: str = "", engine: str = "") -> VersionDraft:
    """Without name and engine, the data says them. Raises RequestRejected with every problem."""
    reader = Reader(data, VERSION_FIELDS if name else SCENARIO_FIELDS)
    name = name or _required(reader, "name", thing_name, "")
    engine = engine or _required(reader, "engine", one_of(ENGINES), "")
    source = ScriptSource(
        engine, reader.read("file", path, SCRIPT_NAMES.get(engine, "script")), _required(reader, "script", _script, ""),
        reader.read("files", _files, {}),
    )  # fmt: skip
    if source.file in source.files:
        reader.add("files", f"{source.file} is the script itself.", "Give it another name.")
    draft = VersionDraft(name, source, reader.read("title", title, ""), reader.read("description", fields.text, ""))
    reader.check()
    return draft


def parse_shelf(data: Mapping[str, object]) -> dict[str, object]:
    """Changes of what stands beside a scenario's script: only what is given, by field. Raises RequestRejected."""
    reader = Reader(data, SHELF_FIELDS)
    parsers: dict[str, Callable[[object], object]] = {
        "title": title, "description": fields.text, "archived": flag, "public": flag, "fail_on_regression": flag,
        "thresholds": thresholds,
    }  # fmt: skip
    empty: dict[str, object] = {"title": "", "description": "", "thresholds": {}}
    found: dict[str, object] = {}
    for name, parse in parsers.items():
        if name not in data:
            continue
        if name not in empty and not isinstance(data[name], bool):
            reader.add(name, "This is true or false.")
        else:
            found[name] = reader.read(name, parse, empty.get(name))
    reader.check()
    return found


def parse_environment(data: Mapping[str, object], *, places: tuple[str, ...], name: str = "") -> EnvironmentDraft:
    """`name`: the address says it already. Raises RequestRejected with every problem."""
    reader = Reader(data, ENVIRONMENT_FIELDS)
    said = reader.read("name", thing_name, name) if name else _required(reader, "name", thing_name, "")
    if name and said != name:
        reader.add("name", f"An environment keeps its name, which is {name}.", "Leave it out.")
    draft = EnvironmentDraft(
        name=said, description=reader.read("description", fields.text, ""), place=reader.read("place", one_of(places), places[0]),
        aws=reader.read("aws", read_place, {}),
        targets=reader.read("targets", target_refs.targets, {}), parameters=reader.read("parameters", fields.parameters, {}),
        secrets=reader.read("secrets", secret_refs.secrets, {}),
        thresholds=reader.read("thresholds", thresholds, {}), most_vus=reader.read("most_vus", fields.whole(MOST_NUMBER), None),
        most_rate=reader.read("most_rate", fields.whole(MOST_NUMBER), None),
        longest_seconds=reader.read("longest_seconds", fields.whole(MOST_NUMBER), None),
        allowed_hosts=reader.read("allowed_hosts", guard_fields.hosts, []),
        allowed_networks=reader.read("allowed_networks", guard_fields.networks, []),
        most_runs=reader.read("most_runs", fields.whole(MOST_NUMBER), None),
        most_cost=reader.read("most_cost", guard_fields.money, None),
        most_cost_a_month=reader.read("most_cost_a_month", guard_fields.money, None),
        allowed_hours=reader.read("allowed_hours", guard_fields.hours, []),
        timezone=reader.read("timezone", guard_fields.zone, "UTC"), freezes=reader.read("freezes", guard_fields.freezes, []),
        requires_approval=reader.read("requires_approval", flag, False),
        health_path=reader.read("health_path", health_path, ""),
    )  # fmt: skip
    if draft.place == "aws" and not draft.aws and not reader.problems:
        reader.add("aws", "An environment in AWS needs its region and bucket.", "`manage.py infra` prints them.")
    if draft.place != "aws" and draft.aws and not reader.problems:
        reader.add("aws", f"The place is {draft.place}, which takes no settings of AWS.", 'Say "place": "aws".')
    reader.check()
    return draft


def thing_name(value: object) -> str:
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        raise FieldError(f"{fields.shown(value)} is not a name.", _NAME_HINT)
    return value


def one_of(words: tuple[str, ...]) -> Callable[[object], str]:
    def parse(value: object) -> str:
        if not isinstance(value, str) or value not in words:
            raise FieldError(f"{fields.shown(value)} is none.", "One of " + ", ".join(words) + ".")
        return value

    return parse


def flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise FieldError("This is true or false.")
    return value


def health_path(value: object) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"/[!-~]{0,199}", value):
        raise FieldError(f"{fields.shown(value)} is no path.", "Write it as /healthz.")
    return value


def title(value: object) -> str:
    if not isinstance(value, str) or len(value) > LONGEST_TITLE:
        raise FieldError(f"Give a text of up to {LONGEST_TITLE} characters.")
    return value


def thresholds(value: object) -> dict[str, object]:
    """As they were written, once they can be read."""
    parse_thresholds(value, source="environment")
    return dict(value) if isinstance(value, Mapping) else {}


def path(value: object) -> str:
    """A file beside the script or in a folder below; nothing that could lead out of it."""
    parts = PurePosixPath(value).parts if isinstance(value, str) else ()
    if not isinstance(value, str) or not parts or ".." in parts or str(PurePosixPath(value)) != value or value.startswith("/"):
        raise FieldError(f"{fields.shown(value)} is not a file beside the script.", "Write it as data/users.csv.")
    if len(value) > LONGEST_PATH or "\\" in value or not value.isprintable():
        raise FieldError(f"{fields.shown(value)} is too long or has odd characters.", "Write it as data/users.csv.")
    return value


def _script(value: object) -> str:
    if not isinstance(value, str):
        raise FieldError("The script is a text.")
    return value


def _files(value: object) -> dict[str, bytes]:
    if not isinstance(value, Mapping) or len(value) > MOST_FILES:
        raise FieldError(f"Files are pairs of a path and its content in base64, up to {MOST_FILES}.")
    return {path(name): _content(name, text) for name, text in value.items()}


def _content(name: object, text: object) -> bytes:
    try:
        return base64.b64decode(text if isinstance(text, str) else "!", validate=True)
    except (binascii.Error, ValueError) as error:
        raise FieldError(f"{fields.shown(name)} is not base64.") from error


def _required(reader: Reader, name: str, parse: Callable[[object], T], default: T) -> T:
    if not reader.has(name):
        reader.add(name, f"Say the {name}.")
    return reader.read(name, parse, default)
