"""Both doors against moto: the value by its ARN, and errors that say what is missing."""

from collections.abc import Iterator

import boto3
import pytest
from moto import mock_aws

from runner_images.agent.secret_values import SecretMissing, secret_values

REGION = "eu-central-1"


@pytest.fixture(autouse=True)
def _aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        yield


def test_a_parameter_and_a_secret_are_read_by_their_arns() -> None:
    ssm, manager = boto3.client("ssm", region_name=REGION), boto3.client("secretsmanager", region_name=REGION)
    ssm.put_parameter(Name="/shop/key", Value="from ssm", Type="SecureString")
    parameter = ssm.get_parameter(Name="/shop/key")["Parameter"]["ARN"]
    plain = manager.create_secret(Name="plain", SecretString="from manager")["ARN"]
    pair = manager.create_secret(Name="pair", SecretString='{"password": "one of two"}')["ARN"]
    references = {"A": f"ssm:{parameter}", "B": f"secretsmanager:{plain}", "C": f"secretsmanager:{pair}#password"}
    assert secret_values(references) == {"A": "from ssm", "B": "from manager", "C": "one of two"}


def test_what_is_not_there_is_named_by_variable_and_reference() -> None:
    reference = f"ssm:arn:aws:ssm:{REGION}:123456789012:parameter/nope"
    with pytest.raises(SecretMissing, match="API_KEY") as error:
        secret_values({"API_KEY": reference})
    assert reference in error.value.message
