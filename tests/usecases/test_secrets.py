"""The portal knows where secrets are, never what they are."""

import pytest
from rest_framework.test import APIClient

from portal.core.errors import RequestRejected
from portal.models import Environment, Run
from portal.usecases.request_run import request_run
from tests.builders import ADA, a_request, a_scenario, a_token, an_admin, an_environment
from tests.usecases.parts import Scene

pytestmark = pytest.mark.django_db
SECRETS = {"API_KEY": "env:KNOPFDRUCK_SECRET_API_KEY"}


def test_the_plan_has_the_reference_and_no_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KNOPFDRUCK_SECRET_API_KEY", "s3cr3t-Value-42")
    a_scenario()
    an_environment(secrets=SECRETS)
    request_run(a_request(), Scene().parts, by=ADA)
    run = Run.objects.get()
    assert run.load_plan().secrets == SECRETS
    assert "API_KEY" not in run.load_plan().parameters
    assert "s3cr3t-Value-42" not in str(run.plan)


def test_a_request_cannot_put_a_value_in_its_place() -> None:
    a_scenario()
    an_environment(secrets=SECRETS)
    with pytest.raises(RequestRejected, match="API_KEY is a secret"):
        request_run(a_request(parameters={"API_KEY": "x"}), Scene().parts, by=ADA)


def test_a_value_instead_of_a_reference_is_refused_and_not_repeated() -> None:
    an_environment()
    root = APIClient()
    root.credentials(HTTP_AUTHORIZATION=f"Bearer {a_token(an_admin(), scopes=['admin'])[1]}")
    refused = root.put("/environments/local", {"secrets": {"API_KEY": "s3cr3t-Value-42"}}, format="json")
    assert refused.status_code == 400
    assert "s3cr3t-Value-42" not in refused.content.decode()
    assert root.put("/environments/local", {"secrets": SECRETS}, format="json").json()["secrets"] == SECRETS
    assert Environment.objects.get().secrets == SECRETS
