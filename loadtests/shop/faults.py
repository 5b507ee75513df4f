"""Faults on request: extra latency and errors, so a load test of a sick service can be shown and tested."""

import math
from dataclasses import asdict, dataclass, fields
from typing import Any

from loadtests.shop.replies import RefusedError

_MOST_DELAY_MS = 60_000


@dataclass(frozen=True, slots=True)
class Faults:
    latency_ms: float = 0.0
    #: The delay varies evenly by this much either way.
    jitter_ms: float = 0.0
    #: The share of requests answered with 503, 0 to 1.
    error_rate: float = 0.0
    #: Only paths that begin with this are faulty; None means all.
    route: str | None = None

    # Any: the client's JSON, checked here.
    @classmethod
    def from_json(cls, body: dict[str, Any]) -> "Faults":
        """The faults asked for; what is not named is off. Refuses anything else with 400 and a sentence."""
        known = [field.name for field in fields(cls)]
        unknown = sorted(set(body) - set(known))
        if unknown:
            raise RefusedError(400, f'Unknown key "{unknown[0]}"; the keys are {", ".join(known)}.')
        route = body.get("route")
        if route is not None and not (isinstance(route, str) and route.startswith("/")):
            raise RefusedError(400, '"route" must be the beginning of a path, such as "/products".')
        return cls(
            latency_ms=_number(body, "latency_ms", most=_MOST_DELAY_MS),
            jitter_ms=_number(body, "jitter_ms", most=_MOST_DELAY_MS),
            error_rate=_number(body, "error_rate", most=1),
            route=route,
        )

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    def apply_to(self, path: str) -> bool:
        return self.route is None or path.startswith(self.route)


NO_FAULTS = Faults()


def _number(body: dict[str, Any], name: str, *, most: int) -> float:
    value = body.get(name, 0)
    valid = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if not valid or not 0 <= value <= most:
        raise RefusedError(400, f'"{name}" must be a number from 0 to {most}.')
    return float(value)
