"""Which code and resources a page of the portal may load: only the portal's own, whatever else ends up in its HTML."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from django.conf import settings
from django.http import HttpRequest, HttpResponse

HEADER = "Content-Security-Policy"


class ContentSecurityPolicyMiddleware:
    """Sets the policy of `settings.CONTENT_SECURITY_POLICIES` with the longest matching path; a view's own stands."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response
        self._policies = {path: written(policy) for path, policy in settings.CONTENT_SECURITY_POLICIES.items()}

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self._get_response(request)
        paths = [path for path in self._policies if request.path_info.startswith(path)]
        if paths:
            response.headers.setdefault(HEADER, self._policies[max(paths, key=len)])
        return response


def written(policy: Mapping[str, str]) -> str:
    return "; ".join(f"{directive} {sources}".strip() for directive, sources in policy.items())
