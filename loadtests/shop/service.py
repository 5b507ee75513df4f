"""What a service module hands to the process that serves it."""

from collections.abc import Callable
from dataclasses import dataclass

from starlette.routing import Route

#: Larger bodies are refused with 413: nothing a sample client sends comes near it.
MOST_BODY_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class Service:
    name: str
    routes: tuple[Route, ...]
    #: Forgets everything clients have stored.
    reset: Callable[[], None]
