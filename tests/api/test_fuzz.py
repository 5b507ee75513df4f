"""Schemathesis over the whole description: whatever is sent, no 5xx, and nothing that is not described."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from schemathesis import checks

from portal.core.access import Role, Scope
from portal.usecases.heartbeat import QUEUE, TICKER, note_heartbeat
from portal.wsgi import application
from tests.builders import a_scenario, a_token, a_user, an_ended_run, an_environment

EXAMPLES = 300 if os.environ.get("KNOPFDRUCK_FUZZ") else 12
RUN = "20261124-feedbeef"
PLACES = {"run_id": RUN, "other": RUN, "name": "product", "backend": "lambda", "number": 1}
CHECKS = (
    checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
)
schema = schemathesis.openapi.from_wsgi("/openapi.yaml", application)


@pytest.fixture
def _one_connection() -> Iterator[None]:
    """The application would close the test's connection after each request, and its rows with it."""
    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)
    yield
    for signal in signals:
        signal.connect(close_old_connections)


@pytest.fixture
def token(db: None, settings: Any) -> str:
    """Of somebody who may do everything, as often as they like, where there is something to find."""
    settings.CONFIG = replace(settings.CONFIG, access=replace(settings.CONFIG.access, calls_per_minute=10_000_000))
    for name in (QUEUE, TICKER):
        note_heartbeat(time.time(), name)
    a_scenario()
    an_environment("product")
    an_ended_run(id=RUN)
    return a_token(a_user(role=Role.ADMIN), scopes=[Scope.ADMIN])[1]


@schema.parametrize()
@hypothesis_settings(
    max_examples=EXAMPLES, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)
@pytest.mark.engines
@pytest.mark.usefixtures("_one_connection")
@pytest.mark.timeout(1800)
def test_whatever_is_sent_is_answered_as_described(case: schemathesis.Case, token: str) -> None:
    # Half of the cases find something.
    if len(str(case.path_parameters)) % 2:
        case.path_parameters.update({name: value for name, value in PLACES.items() if name in case.path_parameters})
    case.query.pop("wait", None)
    case.call_and_validate(headers={"Authorization": f"Bearer {token}"}, checks=list(CHECKS))
