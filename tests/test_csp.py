"""The header that keeps foreign code out of the portal's pages."""

from __future__ import annotations

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory, override_settings
from django.urls import reverse

from portal.csp import HEADER, ContentSecurityPolicyMiddleware


def policy_of(path: str, own: str = "") -> str | None:
    def view(request: HttpRequest) -> HttpResponse:
        return HttpResponse(headers={HEADER: own} if own else {})

    return ContentSecurityPolicyMiddleware(view)(RequestFactory().get(path)).headers.get(HEADER)


TWO = {"/a": {"default-src": "'self'"}, "/a/docs": {"default-src": "'none'", "sandbox": ""}}


@override_settings(CONTENT_SECURITY_POLICIES=TWO)
def test_the_longest_path_decides() -> None:
    assert policy_of("/a/x") == "default-src 'self'"
    assert policy_of("/a/docs/x") == "default-src 'none'; sandbox"
    assert policy_of("/b") is None


def test_a_views_own_policy_stands() -> None:
    assert policy_of("/", own="sandbox") == "sandbox"


@pytest.mark.django_db
def test_pages_run_no_script_but_the_portals_own(browser: Client) -> None:
    answer = browser.get(reverse("admin:portal_run_changelist"))
    assert "script-src 'self' 'unsafe-eval'; " in answer[HEADER]
    assert b"<script>" not in answer.content
