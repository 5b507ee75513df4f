"""Whether somebody who controls a host has put our token there: as a TXT record, a file, or a header of the start page.

The web is asked at one address that was checked before, whatever the name says by then, and no redirect is followed.
"""

from __future__ import annotations

import hmac

import dns.exception
import dns.resolver

from portal.net.fetch import FetchFailed, fetch

SECONDS = 5.0
HEADER = "X-Knopfdruck-Token"


def record_name(host: str) -> str:
    return f"_knopfdruck.{host}"


def file_path(token: str) -> str:
    return f"/.well-known/knopfdruck-{token}"


def find_proof(url: str, host: str, address: str, token: str, *, resolver: dns.resolver.Resolver | None = None) -> str:
    """How ownership is shown (`dns`, `file` or `header`); empty when it is not. `url` has scheme, host and port only.

    Without `resolver` the system's name servers are asked.
    """
    if _in_dns(host, token, resolver):
        return "dns"
    try:
        if _is(token, fetch(url + file_path(token), address=address).body.decode("utf-8", "replace")):
            return "file"
    except FetchFailed:
        pass
    try:
        return "header" if _is(token, fetch(url + "/", address=address).headers.get(HEADER.lower(), "")) else ""
    except FetchFailed:
        return ""


def _in_dns(host: str, token: str, resolver: dns.resolver.Resolver | None) -> bool:
    try:
        asked = resolver or dns.resolver.get_default_resolver()
        # By its whole name: a search domain of this machine's must not answer for another host.
        rows = asked.resolve(record_name(host), "TXT", lifetime=SECONDS, search=False)
    except (dns.exception.DNSException, OSError, ValueError):
        return False
    return any(_is(token, b"".join(row.strings).decode("ascii", "replace")) for row in rows)


def _is(token: str, found: str) -> bool:
    return hmac.compare_digest(token.encode(), found.strip().encode())
