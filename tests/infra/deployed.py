"""The generated tree in an emulator, deployed by plain calls: for tests that need what it makes, not how it is deployed."""

from __future__ import annotations

import io
import time
import zipfile
from collections.abc import Callable
from typing import Any

from infra_gen.main import compose
from infra_gen.parameters import PRESETS

Client = Callable[[str], Any]
CODE = "def handle(event, context):\n    return 1\n"
NAME = "knopfdruck-dev"


def deploy(client: Client, endpoint: str, bucket: str = "artefacts", **changes: str) -> dict[str, str]:
    """The dev preset's outputs. The functions' code does nothing."""
    s3, formation = client("s3"), client("cloudformation")
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": s3.meta.region_name})
    stacks = compose(PRESETS["dev"])
    for stack in stacks:
        s3.put_object(Bucket=bucket, Key=stack.key, Body=stack.body.encode())
    for key in ("runner.zip", "k6.zip", "portal.zip"):
        s3.put_object(Bucket=bucket, Key=key, Body=_zip())
    given = {"TemplateBase": f"{endpoint}/{bucket}", "ArtefactBucket": bucket, "RunnerZipKey": "runner.zip",
             "K6LayerKey": "k6.zip",
             "PortalZipKey": "portal.zip", "EndpointUrl": endpoint, **changes}  # fmt: skip
    formation.create_stack(
        StackName=NAME, TemplateURL=f"{endpoint}/{bucket}/{stacks[-1].key}",
        Capabilities=["CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"],
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in given.items()],
    )  # fmt: skip
    for _ in range(600):
        state = formation.describe_stacks(StackName=NAME)["Stacks"][0]
        if not state["StackStatus"].endswith("IN_PROGRESS"):
            break
        time.sleep(0.1)
    assert state["StackStatus"] == "CREATE_COMPLETE", state
    return {each["OutputKey"]: each["OutputValue"] for each in state["Outputs"]}


def over_tls(client: Any) -> Any:
    """A client whose calls the emulator takes for encrypted ones, as it would behind a proxy; it speaks no TLS itself."""

    def encrypted(params: Any, **_: Any) -> None:
        params["headers"]["X-Forwarded-Proto"] = "https"

    client.meta.events.register("before-call", encrypted)
    return client


def resource(client: Client, child: str, logical: str) -> str:
    """The physical id of what a child stack made."""
    formation = client("cloudformation")
    nested = formation.describe_stack_resource(StackName=NAME, LogicalResourceId=child)["StackResourceDetail"][
        "PhysicalResourceId"
    ]
    found = formation.describe_stack_resource(StackName=nested, LogicalResourceId=logical)["StackResourceDetail"]
    return str(found["PhysicalResourceId"])


def _zip() -> bytes:
    found = io.BytesIO()
    with zipfile.ZipFile(found, "w") as archive:
        archive.writestr("runner_images/aws_lambda/handler.py", CODE)
    return found.getvalue()
