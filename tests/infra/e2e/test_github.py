"""The stack of GitHub's roles, deployed: whose token may take which role, by the trust policies as they were generated."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator

import pytest
from botocore.exceptions import ClientError

from infra_gen.emulator.process import HOW_TO_GET_IT, Emulator, is_installed
from infra_gen.stacks.github import ISSUER
from tests.infra.deployed import deploy, resource
from tests.infra.emulator.conftest import Client, clients_of

pytestmark = pytest.mark.emulator
DEPLOYER, PLANNER = "repo:team/shop:environment:prod", "repo:team/shop:pull_request"


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    if not is_installed():
        pytest.skip(f"no emulator here: {HOW_TO_GET_IT}")
    with Emulator(tmp_path_factory.mktemp("emulator"), auth=True) as emulator:
        client = clients_of(emulator)
        deploy(client, emulator.endpoint, DeployGithub="true", GithubSubjects=DEPLOYER, GithubPlanSubjects=PLANNER)
        yield client


def token(sub: str, aud: str = "sts.amazonaws.com") -> str:
    """As GitHub writes it, with a signature that nobody here checks."""
    parts: tuple[dict[str, str], ...] = ({"alg": "RS256", "typ": "JWT"}, {"iss": f"https://{ISSUER}", "aud": aud, "sub": sub}, {})
    return ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts)


def may_take(root: Client, title: str, words: str) -> bool:
    role = root("iam").get_role(RoleName=resource(root, "Github", title))["Role"]["Arn"]
    try:
        root("sts").assume_role_with_web_identity(RoleArn=role, RoleSessionName="job", WebIdentityToken=words)
    except ClientError as refused:
        if refused.response["Error"]["Code"] != "AccessDenied":
            raise
        return False
    return True


def test_a_job_takes_the_role_it_was_named_for_and_no_other(root: Client) -> None:
    assert may_take(root, "DeployRole", token(DEPLOYER))
    assert may_take(root, "PlanRole", token(PLANNER))
    assert not may_take(root, "DeployRole", token(PLANNER))
    assert not may_take(root, "PlanRole", token(DEPLOYER))


@pytest.mark.parametrize("sub", ["repo:team/shop:ref:refs/heads/main", "repo:stranger/shop:environment:prod", ""])
def test_a_stranger_takes_none(root: Client, sub: str) -> None:
    assert not may_take(root, "DeployRole", token(sub))
    assert not may_take(root, "PlanRole", token(sub))


def test_a_token_for_somebody_else_is_none(root: Client) -> None:
    assert not may_take(root, "DeployRole", token(DEPLOYER, aud="vault"))


def test_the_provider_is_named_as_trust_policies_name_it(root: Client) -> None:
    assert resource(root, "Github", "Provider") == f"arn:aws:iam::000000000000:oidc-provider/{ISSUER}"
