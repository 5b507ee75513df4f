"""The door to CloudFormation, against what botocore knows of it."""

from __future__ import annotations

from typing import Any  # Any: what is asked, as boto3 takes it

import pytest

from portal.aws.cloudformation import CloudFormationDoor
from tests.aws.test_doors import stubbed

pytestmark = pytest.mark.usefixtures("_keys")


def test_a_change_set_watches_as_many_alarms_as_cloudformation_takes() -> None:
    alarms = tuple(f"arn:aws:cloudwatch:eu-central-1:123456789012:alarm:{number}" for number in range(6))
    asked: dict[str, Any] = {
        "StackName": "knopfdruck-prod", "ChangeSetName": "next", "ChangeSetType": "UPDATE", "TemplateURL": "https://s3/t.json",
        "Capabilities": ["CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"], "IncludeNestedStacks": True,
        "Parameters": [{"ParameterKey": "SecretKey", "UsePreviousValue": True}], "Tags": [],
    }  # fmt: skip
    triggers = [{"Arn": arn, "Type": "AWS::CloudWatch::Alarm"} for arn in alarms[:5]]
    watching = {"RollbackConfiguration": {"RollbackTriggers": triggers, "MonitoringTimeInMinutes": 5}}
    answer = {"Id": "arn:aws:cloudformation:eu-central-1:123456789012:changeSet/next/1"}
    for watched, more in ((alarms, watching), ((), {})):
        with stubbed("cloudformation", ("create_change_set", answer, {**asked, **more})) as client:
            made = CloudFormationDoor(client).propose(
                "knopfdruck-prod", "next", template_url="https://s3/t.json", parameters={}, tags={}, is_new=False,
                kept=("SecretKey",), alarms=watched,
            )  # fmt: skip
        assert made == answer["Id"]
