"""JSON and its schema number for every type that crosses a process border. The only place with dicts for values.

Values are frozen dataclasses; fractions travel as "1/3", durations in ISO 8601, everything else as JSON has it.
A reader accepts its own schema number only: a newer writer is refused with a sentence, never half understood.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any, TypeVar  # Any: the border itself, where foreign JSON arrives

import msgspec

from portal.core.errors import WireInvalid
from portal.core.load import ClosedLoad, Load, OpenLoad, ScriptLoad

SCHEMA = 1
T = TypeVar("T")
_LOAD: object = Load


def to_json(value: object) -> bytes:
    return _ENCODER.encode({"schema": SCHEMA, "value": value})


def from_json(kind: type[T], data: bytes) -> T:
    """Raises WireInvalid when the bytes are not a `kind` written by this schema."""
    try:
        envelope = msgspec.json.decode(data)
        if not isinstance(envelope, dict) or envelope.get("schema") != SCHEMA:
            found = envelope.get("schema") if isinstance(envelope, dict) else None
            raise WireInvalid(f"This was written in schema {found}; this version reads schema {SCHEMA}.")
        return msgspec.convert(envelope["value"], kind, dec_hook=_decode)
    except (msgspec.MsgspecError, KeyError, ValueError, ArithmeticError) as error:
        raise WireInvalid(f"Not a {kind.__name__}: {error}") from error


def to_plain(value: object) -> Any:
    """The value as dicts, lists, strings and numbers, for a JSON column or an API answer."""
    return msgspec.to_builtins(value, enc_hook=_encode)


def from_plain(kind: type[T], plain: object) -> T:
    """The way back from `to_plain`; raises WireInvalid."""
    try:
        return msgspec.convert(plain, kind, dec_hook=_decode)
    except (msgspec.MsgspecError, ValueError, ArithmeticError) as error:
        raise WireInvalid(f"Not a {kind.__name__}: {error}") from error


def _encode(value: object) -> object:
    if isinstance(value, Fraction):
        return str(value)
    raise NotImplementedError(f"{type(value).__name__} has no wire form.")


def _decode(kind: type, plain: object) -> object:
    if kind is Fraction and isinstance(plain, str):
        return Fraction(plain)
    if kind is _LOAD and isinstance(plain, dict):
        return msgspec.convert(plain, _load_kind(plain), dec_hook=_decode)
    raise ValueError(f"{str(plain)[:60]!r} is no {kind.__name__}.")


def _load_kind(plain: dict[str, object]) -> type:
    """The three loads are told apart by the fields only one of them has."""
    if "length" in plain:
        return ScriptLoad
    return OpenLoad if "max_vus" in plain else ClosedLoad


_ENCODER = msgspec.json.Encoder(enc_hook=_encode)
