"""IAM as values: statements with a reason wherever they use a wildcard, and roles under one path and one boundary."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any  # Any: troposphere has no types, policies are JSON

from troposphere import Ref, Sub, iam

from infra_gen.names import NAMESPACE, PROJECT, role_path
from infra_gen.skips import skip

VERSION = "2012-10-17"
REASONS = "Reasons"
"""The key in a resource's Metadata that says, by statement, why it needs a wildcard."""


@dataclass(frozen=True, slots=True)
class Statement:
    """`sid` names it in the template and in `Reasons`; a statement with a bare `*` must have a reason."""

    sid: str
    actions: Sequence[str]
    resources: Sequence[Any]
    when: dict[str, dict[str, Any]] = field(default_factory=dict)
    reason: str = ""
    effect: str = "Allow"

    def document(self) -> dict[str, Any]:
        body = {"Sid": self.sid, "Effect": self.effect, "Action": list(self.actions), "Resource": list(self.resources)}
        return body | ({"Condition": self.when} if self.when else {})


def policy(*statements: Any) -> dict[str, Any]:
    return {
        "Version": VERSION,
        "Statement": [each.document() if isinstance(each, Statement) else each for each in statements],
    }


def reasons(statements: Sequence[Statement]) -> dict[str, Any]:
    return {REASONS: {each.sid: each.reason for each in statements if each.reason}}


def trust(service: str, **when: Any) -> dict[str, Any]:
    """`service` may take the role, for this account's resources only."""
    condition = {"StringEquals": {"aws:SourceAccount": Ref("AWS::AccountId")}} | when
    return policy({"Effect": "Allow", "Principal": {"Service": f"{service}.amazonaws.com"}, "Action": "sts:AssumeRole",
                   "Condition": condition})  # fmt: skip


def plain_trust(service: str) -> dict[str, Any]:
    """For services that send no source account when they take a role (Lambda, EC2)."""
    return policy({"Effect": "Allow", "Principal": {"Service": f"{service}.amazonaws.com"}, "Action": "sts:AssumeRole"})


def role(title: str, trusted: dict[str, Any], statements: Sequence[Statement], **more: Any) -> Any:
    """A role without a name, with one inline policy, within the boundary (the template's parameter PermissionsBoundary)."""
    return iam.Role(
        title,
        Path=role_path(),
        AssumeRolePolicyDocument=trusted,
        PermissionsBoundary=more.pop("boundary", Ref("PermissionsBoundary")),
        Policies=[iam.Policy(PolicyName="own", PolicyDocument=policy(*statements))] if statements else [],
        Metadata=reasons(statements) | skip(*more.pop("skips", ())),
        **more,
    )


def arn(service: str, resource: str, **values: Any) -> Any:
    """An ARN of this account and region; `resource` may use ${...} of the template."""
    text = f"arn:${{AWS::Partition}}:{service}:${{AWS::Region}}:${{AWS::AccountId}}:{resource}"
    return Sub(text, **values) if values else Sub(text)


def objects(bucket: str, prefix: str) -> Any:
    """The objects under a prefix of the bucket that the parameter or resource `bucket` names."""
    return Sub(f"arn:${{AWS::Partition}}:s3:::${{{bucket}}}/{prefix}*")


def bucket(title: str) -> Any:
    return Sub(f"arn:${{AWS::Partition}}:s3:::${{{title}}}")


OUR_ROLES = Sub(f"arn:${{AWS::Partition}}:iam::*:role/{PROJECT}/*")
"""Roles of installations, in any account: the path is theirs, and whom they trust is said by them."""
METRICS = Statement(
    "Metrics", ("cloudwatch:PutMetricData",), ["*"], {"StringEquals": {"cloudwatch:namespace": NAMESPACE}},
    "CloudWatch knows no resource here; the namespace is the limit.",
)  # fmt: skip
FUNCTION_IN_VPC = Statement(
    "Interfaces", ("ec2:CreateNetworkInterface", "ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets",
                   "ec2:DeleteNetworkInterface"), ["*"], reason="Lambda makes the interfaces before there is anything to name.",
)  # fmt: skip


def logs(group: Any, sid: str = "Logs") -> Statement:
    """Writing to the one log group whose name `group` is."""
    return Statement(sid, ("logs:CreateLogStream", "logs:PutLogEvents"), [arn("logs", "log-group:${Group}:*", Group=group)],
                     reason="The streams of one group: their names are made when they are written.")  # fmt: skip
