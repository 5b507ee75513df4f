"""The door to CloudFormation: stacks, change sets, events and resources as values. Raises AwsError only.

A stack is named once; afterwards it is asked for by its id, because a deleted stack answers to nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any  # Any: boto3's client and answers, for which we have no stubs

from portal.aws.errors import AwsMissing, AwsRefused, translated

CAPABILITIES = ["CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]
NESTED = "AWS::CloudFormation::Stack"
MOST_TRIGGERS, MONITORED_MINUTES = 5, 5
EMPTY = ("didn't contain changes", "No updates are to be performed", "submitted information")


@dataclass(frozen=True, slots=True)
class StackState:
    name: str
    id: str
    status: str
    reason: str = ""
    outputs: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)
    is_protected: bool = False

    @property
    def is_moving(self) -> bool:
        return self.status.endswith("_IN_PROGRESS") and self.status != "REVIEW_IN_PROGRESS"

    @property
    def is_gone(self) -> bool:
        return self.status == "DELETE_COMPLETE"


@dataclass(frozen=True, slots=True)
class StackEvent:
    id: str
    at: datetime
    stack: str
    logical: str
    kind: str
    status: str
    reason: str = ""
    physical: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """`replacement` is True, False or Conditional, as CloudFormation says it; empty where it says nothing."""

    stack: str
    action: str
    logical: str
    kind: str
    physical: str = ""
    replacement: str = ""
    why: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Proposal:
    """A change set. `is_empty`: it failed because there is nothing to change."""

    id: str
    stack_id: str
    status: str
    reason: str = ""
    changes: tuple[Change, ...] = ()

    @property
    def is_empty(self) -> bool:
        return self.status == "FAILED" and any(words in self.reason for words in EMPTY)


@dataclass(frozen=True, slots=True)
class Resource:
    logical: str
    physical: str
    kind: str
    status: str
    reason: str = ""


class CloudFormationDoor:
    def __init__(self, client: Any) -> None:
        self._client = client

    def find(self, name: str) -> StackState | None:
        """By name or id; None where there is none."""
        try:
            with translated("cloudformation:DescribeStacks"):
                return _state(self._client.describe_stacks(StackName=name)["Stacks"][0])
        except (AwsMissing, AwsRefused) as error:
            if "does not exist" in error.message:
                return None
            raise

    def stacks(self, prefix: str) -> tuple[StackState, ...]:
        """Root stacks whose name begins so and that are not deleted."""
        with translated("cloudformation:DescribeStacks"):
            pages = self._client.get_paginator("describe_stacks").paginate()
            found = [stack for page in pages for stack in page["Stacks"] if not stack.get("ParentId")]
        return tuple(_state(stack) for stack in found if stack["StackName"].startswith(prefix))

    def propose(
        self, name: str, change_set: str, *, template_url: str, parameters: Mapping[str, str], tags: Mapping[str, str],
        is_new: bool, kept: tuple[str, ...] = (), alarms: tuple[str, ...] = (),
    ) -> str:  # fmt: skip
        """The id of a change set over the whole tree; `proposal` says when it is ready. `kept` parameters stay.
        Whatever of `alarms` rings while the change is made, or shortly after, takes it back."""
        with translated("cloudformation:CreateChangeSet"):
            answer = self._client.create_change_set(
                StackName=name, ChangeSetName=change_set, ChangeSetType="CREATE" if is_new else "UPDATE",
                TemplateURL=template_url, Capabilities=CAPABILITIES, IncludeNestedStacks=True,
                Parameters=[
                    *({"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()),
                    *({"ParameterKey": key, "UsePreviousValue": True} for key in kept),
                ],
                Tags=[{"Key": key, "Value": value} for key, value in tags.items()],
                **({"RollbackConfiguration": _watching(alarms)} if alarms else {}),
            )  # fmt: skip
        return str(answer["Id"])

    def proposal(self, change_set: str) -> Proposal:
        """With the changes of nested stacks, where CloudFormation made change sets for them."""
        pages = list(self._change_set_pages(change_set))
        first = pages[0]
        found: list[Change] = []
        for page in pages:
            for change in page.get("Changes", ()):
                found += self._with_nested(first["StackName"], change["ResourceChange"])
        return Proposal(
            change_set, str(first.get("StackId", "")), str(first["Status"]), first.get("StatusReason", ""), tuple(found)
        )

    def accept(self, change_set: str) -> None:
        with translated("cloudformation:ExecuteChangeSet"):
            self._client.execute_change_set(ChangeSetName=change_set)

    def drop(self, change_set: str) -> None:
        with translated("cloudformation:DeleteChangeSet"):
            self._client.delete_change_set(ChangeSetName=change_set)

    def events(self, stack: str) -> tuple[StackEvent, ...]:
        """Oldest first."""
        with translated("cloudformation:DescribeStackEvents"):
            pages = self._client.get_paginator("describe_stack_events").paginate(StackName=stack)
            found = [_event(event) for page in pages for event in page["StackEvents"]]
        return tuple(reversed(found))

    def resources(self, stack: str) -> tuple[Resource, ...]:
        with translated("cloudformation:ListStackResources"):
            pages = self._client.get_paginator("list_stack_resources").paginate(StackName=stack)
            return tuple(_resource(found) for page in pages for found in page["StackResourceSummaries"])

    def template(self, stack: str) -> dict[str, Any]:
        """As it is deployed."""
        with translated("cloudformation:GetTemplate"):
            body = self._client.get_template(StackName=stack)["TemplateBody"]
        parsed: dict[str, Any] = json.loads(body) if isinstance(body, str) else dict(body)
        return parsed

    def delete(self, stack: str, *, retain: tuple[str, ...] = ()) -> None:
        """`retain` only for a stack whose deletion failed."""
        with translated("cloudformation:DeleteStack"):
            self._client.delete_stack(StackName=stack, **({"RetainResources": list(retain)} if retain else {}))

    def protect(self, stack: str, *, on: bool) -> None:
        with translated("cloudformation:UpdateTerminationProtection"):
            self._client.update_termination_protection(StackName=stack, EnableTerminationProtection=on)

    def resume_rollback(self, stack: str) -> None:
        with translated("cloudformation:ContinueUpdateRollback"):
            self._client.continue_update_rollback(StackName=stack)

    def _change_set_pages(self, change_set: str) -> Iterator[dict[str, Any]]:
        token: dict[str, str] = {}
        while True:
            with translated("cloudformation:DescribeChangeSet"):
                page = self._client.describe_change_set(ChangeSetName=change_set, **token)
            yield page
            if not page.get("NextToken"):
                return
            token = {"NextToken": page["NextToken"]}

    def _with_nested(self, stack: str, change: dict[str, Any]) -> list[Change]:
        own = _change(stack, change)
        if not change.get("ChangeSetId"):
            return [own]
        return [own, *self.proposal(change["ChangeSetId"]).changes]


def _watching(alarms: tuple[str, ...]) -> dict[str, Any]:
    triggers = [{"Arn": arn, "Type": "AWS::CloudWatch::Alarm"} for arn in alarms[:MOST_TRIGGERS]]
    return {"RollbackTriggers": triggers, "MonitoringTimeInMinutes": MONITORED_MINUTES}


def _state(stack: dict[str, Any]) -> StackState:
    return StackState(
        name=stack["StackName"], id=stack["StackId"], status=stack["StackStatus"], reason=stack.get("StackStatusReason", ""),
        outputs={out["OutputKey"]: out["OutputValue"] for out in stack.get("Outputs", ())},
        parameters={given["ParameterKey"]: given.get("ParameterValue", "") for given in stack.get("Parameters", ())},
        is_protected=bool(stack.get("EnableTerminationProtection")),
    )  # fmt: skip


def _event(event: dict[str, Any]) -> StackEvent:
    return StackEvent(
        id=event["EventId"], at=event["Timestamp"], stack=event["StackName"], logical=event.get("LogicalResourceId", ""),
        kind=event.get("ResourceType", ""), status=event.get("ResourceStatus", ""), reason=event.get("ResourceStatusReason", ""),
        physical=event.get("PhysicalResourceId", ""),
    )  # fmt: skip


def _change(stack: str, change: dict[str, Any]) -> Change:
    causes = {
        str(target.get("Name") or target.get("Attribute", "")) for detail in change.get("Details", ())
        if (target := detail.get("Target", {}))
    }  # fmt: skip
    return Change(
        stack=stack, action=change["Action"], logical=change["LogicalResourceId"], kind=change["ResourceType"],
        physical=change.get("PhysicalResourceId", ""), replacement=str(change.get("Replacement", "")),
        why=tuple(sorted(cause for cause in causes if cause)),
    )  # fmt: skip


def _resource(found: dict[str, Any]) -> Resource:
    return Resource(
        logical=found["LogicalResourceId"], physical=found.get("PhysicalResourceId", ""), kind=found["ResourceType"],
        status=found["ResourceStatus"], reason=found.get("ResourceStatusReason", ""),
    )  # fmt: skip
