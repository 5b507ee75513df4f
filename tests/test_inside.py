"""A load balancer asks for our health by address; nobody else gets in under a name that is not ours."""

from __future__ import annotations

import pytest
from django.test import Client


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_health_is_told_under_any_host(path: str) -> None:
    assert Client(headers={"host": "10.20.1.7:8000"}).get(path).status_code != 400


@pytest.mark.parametrize("path", ["/", "/load-tests", "/healthz/", "/admin/login/"])
def test_everything_else_is_not(path: str) -> None:
    assert Client(headers={"host": "10.20.1.7:8000"}).get(path).status_code == 400
