"""CI without a secret: the id-token of a job that an environment trusts, read with the issuer's own keys."""

from collections.abc import Iterator
from typing import Any

import pytest
from rest_framework.test import APIClient

from portal import wiring
from portal.models import Environment, TrustedRepository
from tests.builders import a_run, a_token, an_environment
from tests.issuer import AUDIENCE, Issuer, served

pytestmark = pytest.mark.django_db


@pytest.fixture
def issuer(monkeypatch: pytest.MonkeyPatch) -> Iterator[Issuer]:
    with served() as found:
        monkeypatch.setenv("KNOPFDRUCK_OIDC_ISSUER", found.url)
        monkeypatch.setenv("KNOPFDRUCK_PUBLIC_URL", AUDIENCE)
        wiring.id_tokens.cache_clear()
        yield found
        wiring.id_tokens.cache_clear()


@pytest.fixture
def trusting() -> Environment:
    environment = an_environment("staging")
    TrustedRepository.objects.create(environment=environment, repository="acme/shop", ref="refs/heads/main")
    return environment


def call(token: str, path: str = "/load-tests/templates", **body: Any) -> Any:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    return client.post(path, body, format="json") if body else client.get(path)


def test_a_trusted_job_sees_and_stops_runs_of_its_environment_alone(issuer: Issuer, trusting: Environment) -> None:
    a_run(id="mine", environment=trusting)
    a_run(id="other", environment=an_environment("prod"))
    token = issuer.token()
    assert call(token, "/load-tests/mine/status").status_code == 200
    assert call(token, "/load-tests/other/status").status_code == 404
    assert call(token, "/load-tests/stop", id="other").status_code == 404
    stopped = call(token, "/load-tests/stop", id="mine")
    assert stopped.status_code == 202
    assert stopped.json()["message"] == "Stopped by github:acme/shop@refs/heads/main."


@pytest.mark.usefixtures("trusting")
@pytest.mark.parametrize("claims", [{"repository": "evil/shop"}, {"ref": "refs/heads/dev"}, {"aud": "https://x.example"}])
def test_any_other_job_is_unknown(issuer: Issuer, claims: dict[str, Any]) -> None:
    assert call(issuer.token(**claims)).status_code == 401


def test_where_nobody_is_trusted_the_issuer_is_not_asked(issuer: Issuer) -> None:
    assert call(issuer.token()).status_code == 401
    assert issuer.asked == 0


@pytest.mark.usefixtures("trusting")
def test_while_the_issuer_is_away_jobs_wait_and_tokens_work(monkeypatch: pytest.MonkeyPatch, issuer: Issuer) -> None:
    monkeypatch.setenv("KNOPFDRUCK_OIDC_ISSUER", "http://127.0.0.1:9")
    wiring.id_tokens.cache_clear()
    answer = call(issuer.token())
    assert (answer.status_code, answer.json()["code"]) == (503, "issuer_unreachable")
    assert answer["Retry-After"]
    assert call(a_token()[1]).status_code == 200
