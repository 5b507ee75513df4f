"""Data files of a scenario and how its workers share them; what the rows are is in data_rows. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePosixPath

from portal.core.errors import Problem, ScriptInvalid

HINT = 'Write data: { "users.csv": "split" }; split, once and shared are known.'


class Sharing(StrEnum):
    SPLIT = "split"
    """Row n goes to worker n mod N; who runs out begins again."""
    ONCE = "once"
    """Split, and a row used twice makes the result doubtful."""
    SHARED = "shared"
    """Every worker has all rows."""


class Taking(StrEnum):
    """Who decides which row comes next."""

    IN_ORDER = "in_order"
    AT_RANDOM = "at_random"
    BY_SCRIPT = "by_script"


@dataclass(frozen=True, slots=True)
class DataFile:
    """`path` as the bundle has it; `header`: the first line names the columns and is in every part."""

    path: str
    rows: int
    sharing: Sharing
    taking: Taking = Taking.BY_SCRIPT
    header: bool = True
    is_declared: bool = True
    """False where splitting is only the engine's custom: then a worker for whom no row is left sees them all."""


@dataclass(frozen=True, slots=True)
class Declared:
    """What a script says of one of its files; `header` None where it does not say."""

    sharing: Sharing
    header: bool | None = None


def read_declared(given: object, files: Mapping[str, bytes]) -> dict[str, Declared]:
    """By path in `files`, of which a name in the script may be the end alone. Raises ScriptInvalid."""
    if not isinstance(given, dict):
        raise _invalid("The data setting is not a mapping of files.", HINT)
    return {_one(str(name), files): _declared(str(name), said) for name, said in given.items()}


def _one(name: str, files: Mapping[str, bytes]) -> str:
    parts = PurePosixPath(name).parts
    found = [path for path in files if PurePosixPath(path).parts[-len(parts) :] == parts]
    if len(found) != 1:
        many = f"{len(found)} of the scenario's files are" if found else "none of the scenario's files is"
        raise _invalid(f"data names {name[:100]!r}, and {many} called so.", "Name one file as the script opens it.")
    return found[0]


def _declared(name: str, said: object) -> Declared:
    settings = said if isinstance(said, dict) else {"use": said}
    use, header = str(settings.get("use")), settings.get("header")
    if set(settings) - {"use", "header"} or use not in tuple(Sharing) or header not in (None, True, False):
        raise _invalid(f"data says {str(said)[:60]!r} of {name[:100]}.", HINT)
    return Declared(Sharing(use), header)


def _invalid(message: str, hint: str = "") -> ScriptInvalid:
    return ScriptInvalid((Problem("script", message, hint),))
