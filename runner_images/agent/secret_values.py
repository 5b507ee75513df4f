"""Resolves references to secrets, in the worker and nowhere else. Values go into the engine's environment, not its arguments."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import TypeVar

from portal.core.errors import PortalError
from portal.core.ports import EngineCommand
from portal.core.secret_refs import Redaction, one_value
from portal.core.snapshot import Point, SeriesKey

T = TypeVar("T")


class SecretMissing(PortalError):
    """A secret the script needs cannot be read here."""

    code = "secret_missing"


def secret_values(references: Mapping[str, str], environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """By the variable the script reads. Raises SecretMissing naming the variable and the reference."""
    env = os.environ if environ is None else environ
    return {name: _value(name, reference, env) for name, reference in references.items()}


def with_secrets(command: EngineCommand, values: Mapping[str, str]) -> EngineCommand:
    others = tuple(with_secrets(other, values) for other in command.others)
    return replace(command, environment={**command.environment, **values}, others=others)


def hiding(read: Callable[[bytes], Iterable[Point]], redaction: Redaction) -> Callable[[bytes], Iterable[Point]]:
    """An engine's numbers without secrets in their labels: a request without a name of its own is named by its URL."""
    if not redaction:
        return read

    @lru_cache(maxsize=4096)
    def clean(key: SeriesKey) -> SeriesKey:
        return replace(key, labels=redaction.labels(key.labels))

    def read_clean(batch: bytes) -> Iterator[Point]:
        for point in read(batch):
            yield replace(point, key=clean(point.key))

    return read_clean


def _value(name: str, reference: str, env: Mapping[str, str]) -> str:
    kind, _, place = reference.partition(":")
    try:
        if kind == "env":
            return env[place]
        # boto3 is in the image of a worker whose secrets are in AWS, not in every one.
        from portal.aws.secrets import manager_value, ssm_value

        arn, _, key = place.partition("#")
        text = ssm_value(arn) if kind == "ssm" else manager_value(arn)
        return one_value(text, key) if key else text
    except KeyError:
        reason = "it is not set"
    except PortalError as error:
        reason = error.message
    except (ValueError, ImportError) as error:
        reason = str(error)
    raise SecretMissing(f"The secret {name} cannot be read from {reference}: {reason}.")
