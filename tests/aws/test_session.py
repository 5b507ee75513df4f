"""Clients: addressing, retries, timeouts; nothing is sent when one is made."""

from __future__ import annotations

import pytest
from botocore.exceptions import NoCredentialsError

from portal.aws.errors import AwsDenied
from portal.aws.session import client


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, "/dev/null")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")


def test_a_client_gives_up_after_three_attempts_and_bounded_waits() -> None:
    config = client("s3", region="eu-central-1").meta.config
    assert config.retries == {"mode": "standard", "total_max_attempts": 3}  # type: ignore[attr-defined]
    assert (config.connect_timeout, config.read_timeout) == (5, 20)  # type: ignore[attr-defined]


def test_an_endpoint_is_addressed_by_path_because_it_has_one_host_name() -> None:
    s3 = client("s3", region="eu-central-1", endpoint_url="http://127.0.0.1:4566")
    url = s3.generate_presigned_url("get_object", Params={"Bucket": "b", "Key": "k"})
    assert url.startswith("http://127.0.0.1:4566/b/k?")


def test_aws_itself_is_addressed_by_a_host_name_per_bucket() -> None:
    url = client("s3", region="eu-central-1").generate_presigned_url("get_object", Params={"Bucket": "bucket", "Key": "k"})
    assert url.startswith("https://bucket.s3.")


def test_other_services_open_through_the_same_door() -> None:
    assert client("ecs", region="eu-west-1").meta.region_name == "eu-west-1"


def test_a_missing_profile_is_said_at_once() -> None:
    with pytest.raises(AwsDenied, match="none-such"):
        client("s3", region="eu-central-1", profile="none-such")


def test_a_missing_region_is_said_at_once() -> None:
    with pytest.raises(AwsDenied, match="region"):
        client("ecs")


def test_an_emulator_of_this_machine_needs_no_credentials_and_aws_does(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    here = client("s3", region="eu-central-1", endpoint_url="http://127.0.0.1:4566")
    assert "test" in here.generate_presigned_url("get_object", Params={"Bucket": "b", "Key": "k"})
    with pytest.raises(NoCredentialsError):
        client("s3", region="eu-central-1").generate_presigned_url("get_object", Params={"Bucket": "b", "Key": "k"})
