"""The door to SSM parameters and Secrets Manager: one value by its ARN. Raises AwsError only, which never holds the value."""

from __future__ import annotations

from portal.aws.errors import translated
from portal.aws.session import client


def ssm_value(arn: str) -> str:
    ssm = client("ssm", region=_region(arn))
    with translated("ssm:GetParameter"):
        return str(ssm.get_parameter(Name=arn, WithDecryption=True)["Parameter"]["Value"])


def manager_value(arn: str) -> str:
    manager = client("secretsmanager", region=_region(arn))
    with translated("secretsmanager:GetSecretValue"):
        return str(manager.get_secret_value(SecretId=arn)["SecretString"])


def _region(arn: str) -> str:
    """Emulators may give a bare name, which lies in the region of whoever asks."""
    parts = arn.split(":")
    return parts[3] if len(parts) > 3 else ""
