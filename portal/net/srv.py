"""A service's address by its SRV records: of the most preferred the heaviest, always the same one of equals."""

from __future__ import annotations

import dns.exception
import dns.resolver

from portal.core.errors import NotFound
from portal.core.target_refs import url_of

SECONDS = 5.0


def find_srv(name: str, *, resolver: dns.resolver.Resolver | None = None) -> str:
    """Raises NotFound. Without `resolver` the system's name servers are asked."""
    try:
        rows = (resolver or dns.resolver.get_default_resolver()).resolve(name, "SRV", lifetime=SECONDS, search=False)
        found = sorted(rows, key=lambda row: (row.priority, -row.weight, str(row.target), row.port))
    except (dns.exception.DNSException, OSError, ValueError) as error:
        raise NotFound(f"{name} has no SRV record that can be read ({type(error).__name__}).") from error
    return url_of(str(found[0].target).rstrip("."), found[0].port)
