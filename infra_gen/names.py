"""Every name that two parts of the infrastructure must agree on. Resources themselves are unnamed where AWS allows it."""

from __future__ import annotations

from typing import Any, Final  # Any: troposphere has no types

from troposphere import Sub

PROJECT: Final = "knopfdruck"
ENVIRONMENT_TAG: Final = f"{PROJECT}:env"
MANAGED_TAG: Final = f"{PROJECT}:managed"
RUNNER_TAG: Final = f"{PROJECT}:runner"
"""Secrets that carry it (with `true`) may be read by workers."""
TARGET_TAG: Final = f"{PROJECT}:target"
"""Parameters and stacks that carry it (with `true`) may be read by the portal, for the addresses of targets."""
NAMESPACE: Final = "Knopfdruck"
CONTROL_PREFIX: Final = "control"
"""The run store lies under it; results of engines and EFS are elsewhere."""
AGENT_CONTAINER: Final = "agent"
FARGATE_GROUP: Final = "fargate"
EC2_GROUP: Final = "ec2"
"""Pools of workers in the run store."""
PORTAL_PORT: Final = 8000
HEALTH_PORT: Final = 8081
HEARTBEAT_FILE: Final = "/tmp/knopfdruck-heartbeat"
LIVE_ALIAS: Final = "live"
ROOT_STACK: Final = "main"
ROLE_PATH: Final = "/" + PROJECT + "/${Environment}/"
LOG_KINDS: Final = ("lambda", "fargate", "ec2", "portal", "api")


def stack_name(environment: str) -> str:
    return f"{PROJECT}-{environment}"


def role_path() -> Any:
    return Sub(ROLE_PATH)


def log_group(kind: str) -> Any:
    """The name of a log group; `kind` is one of LOG_KINDS."""
    return Sub(f"/{PROJECT}/${{Environment}}/{kind}")


def store_url() -> Any:
    """Where portal and workers meet. Needs the parameters ResultsBucket and EndpointUrl and the condition HasEndpoint."""
    return Sub(f"s3://${{ResultsBucket}}/{CONTROL_PREFIX}?region=${{AWS::Region}}")


PYTHON: Final = "python3.12"
ARCHITECTURE: Final = "x86_64"
"""What the packages are made for; Amazon Linux 2023 on EC2 has the same Python."""
AWS_LAMBDA_BASIS: Final = {"OPENBLAS_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"}
"""Variables of every function that runs our code."""
