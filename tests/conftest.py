"""Fixtures every test may use. Rows and values come from `tests.builders`."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import pytest
from django.test import Client
from hypothesis import settings
from rest_framework.test import APIClient

from portal.aws.session import have_credentials
from tests.builders import a_token, an_admin

# CI must not turn red by chance: it tries the same examples each time. A developer's runs go on exploring.
settings.register_profile("ci", derandomize=True, deadline=None)
# No test is decided by the clock on the wall; hypothesis by itself gives an example 200 ms.
settings.register_profile("here", deadline=None)
settings.load_profile("ci" if os.environ.get("CI") else "here")


@pytest.fixture(autouse=True)
def _credentials_are_looked_for_anew() -> Iterator[None]:
    """A process looks once; of these tests in one process some have keys and some have none, as have fixtures of modules,
    which begin before a test's own."""
    have_credentials.cache_clear()
    yield
    have_credentials.cache_clear()


@pytest.fixture
def api(db: None) -> APIClient:
    """A client with a valid token of the user `ada`."""
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {a_token()[1]}")
    return client


@pytest.fixture
def browser(db: None) -> Client:
    """A logged-in superuser's browser. CSRF is checked as in life."""
    client = Client()
    client.force_login(an_admin())
    return client


@pytest.fixture
def manage(capsys: pytest.CaptureFixture[str], transactional_db: None) -> Callable[..., tuple[int, str, str]]:
    """Runs `manage.py` with these words in this process; gives exit code, output and errors.

    A command closes its connections at the end, which a test's own open transaction would not survive.
    """
    from django.core.management import ManagementUtility

    def call(*words: str) -> tuple[int, str, str]:
        code = 0
        try:
            ManagementUtility(["manage.py", *words]).execute()
        except SystemExit as leaving:
            code = int(leaving.code or 0)
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return call
