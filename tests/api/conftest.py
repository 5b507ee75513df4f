"""Clients beside `api`, which may read, run and stop."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from portal.core.access import Role, Scope
from tests.builders import a_token, a_user


def client(role: Role, scope: Scope) -> APIClient:
    found = APIClient()
    found.credentials(HTTP_AUTHORIZATION=f"Bearer {a_token(a_user('grace', role=role), scopes=[scope, Scope.READ])[1]}")
    return found


@pytest.fixture
def author(db: None) -> APIClient:
    """A client that may read and author."""
    return client(Role.AUTHOR, Scope.AUTHOR)


@pytest.fixture
def keeper(db: None) -> APIClient:
    """A client that may do everything."""
    return client(Role.ADMIN, Scope.ADMIN)


def queries(client: APIClient, path: str) -> int:
    """How many the second of two equal requests takes; the first notes that a token is used."""
    client.get(path)
    with CaptureQueriesContext(connection) as seen:
        assert client.get(path).status_code == 200
    return len(seen)
