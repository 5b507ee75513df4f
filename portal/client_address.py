"""The address a request comes from, for the audit log, throttles and the lockout.

X-Forwarded-For can be written by anybody, so of it counts only what our own proxies (`KNOPFDRUCK_PROXIES`) appended.
"""

from __future__ import annotations

from ipaddress import ip_address

from django.conf import settings
from django.http import HttpRequest


def client_address(request: HttpRequest) -> str:
    """Empty where nothing is known (a Unix socket)."""
    proxies: int = settings.CONFIG.access.proxies
    hops = [word.strip() for word in request.headers.get("X-Forwarded-For", "").split(",") if word.strip()]
    address = hops[-proxies] if proxies and len(hops) >= proxies else request.META.get("REMOTE_ADDR", "")
    try:
        return str(ip_address(address))
    except ValueError:
        return ""
