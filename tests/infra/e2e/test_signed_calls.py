"""The API behind IAM: the emulator checks signatures and policies of `execute-api` as AWS does, so who may not is kept out."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from botocore.credentials import Credentials

from infra_gen.emulator.process import HOW_TO_GET_IT, Emulator, is_installed
from portal.aws.apigateway import ApiGatewayDoor, signed_headers, stage_url
from tests.infra.e2e.places import REGION, Place, call

pytestmark = [pytest.mark.emulator, pytest.mark.timeout(600)]
ONLY_THE_API = {"DeployLambda": "false", "DeployFargate": "false", "DeployEc2": "false", "ApiAuthorization": "AWS_IAM"}


@dataclass(frozen=True)
class Api:
    """The deployed API, asked for the templates by different callers."""

    url: str
    key: str
    iam: Any

    def ask(self, credentials: Credentials | None) -> tuple[int, dict[str, Any]]:
        headers = {"x-api-key": self.key, "Content-Type": "application/json"}
        if credentials is not None:
            headers = signed_headers("GET", self.url, b"", region=REGION, credentials=credentials, headers=headers)
        return call(self.url, headers)

    def user(self, name: str, *, may_call: str = "") -> Credentials:
        """A user of the account; `may_call` is the ARN of what it may call."""
        self.iam.create_user(UserName=name)
        if may_call:
            statement = {"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": may_call}
            self.iam.put_user_policy(UserName=name, PolicyName="call", PolicyDocument=json.dumps(
                {"Version": "2012-10-17", "Statement": [statement]}))  # fmt: skip
        made = self.iam.create_access_key(UserName=name)["AccessKey"]
        return Credentials(made["AccessKeyId"], made["SecretAccessKey"])


@pytest.fixture(scope="module")
def place(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Always an emulator of our own: another may check less."""
    if not is_installed():
        pytest.skip(f"no emulator here: {HOW_TO_GET_IT}")
    with Emulator(tmp_path_factory.mktemp("emulator"), auth=True) as emulator:
        yield Place(emulator.endpoint, folder)


@pytest.fixture(scope="module")
def outputs(place: Place) -> dict[str, str]:
    made = place.deploy(**place.prepare(), **ONLY_THE_API)
    assert made.returncode == 0, made.stdout[-3000:] + made.stderr
    return place.outputs()


@pytest.fixture(scope="module")
def api(place: Place, outputs: dict[str, str]) -> Api:
    key = ApiGatewayDoor(place.client("apigateway")).key_value(outputs["ApiKeyId"])
    return Api(f"{stage_url(outputs, place.endpoint)}/load-tests/templates", key, place.client("iam"))


def test_who_signs_and_may_is_answered_as_the_user_of_that_name(api: Api, outputs: dict[str, str]) -> None:
    """`admin` of the account is `admin` of the portal."""
    allowed = f"arn:aws:execute-api:{REGION}:*:{outputs['ApiId']}/{outputs['ApiStage']}/GET/load-tests/*"
    admin = api.user("admin", may_call=allowed)
    status, found = api.ask(admin)
    assert (status, "checkout-burst" in json.dumps(found)) == (200, True), found
    stolen = Credentials(admin.access_key, "not-the-secret")
    assert api.ask(stolen)[0] == 403


def test_nobody_else_is_answered(api: Api, outputs: dict[str, str]) -> None:
    assert api.ask(None)[0] == 403, "unsigned"
    assert api.ask(Credentials("AKIAUNKNOWN000000000", "secret"))[0] == 403, "a key nobody has"
    assert api.ask(api.user("stranger"))[0] == 403, "signed, but without a policy"
    elsewhere = f"arn:aws:execute-api:{REGION}:*:{outputs['ApiId']}/{outputs['ApiStage']}/POST/load-tests/*"
    assert api.ask(api.user("starter", may_call=elsewhere))[0] == 403, "may do something else"
