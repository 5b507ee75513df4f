"""Roles for GitHub Actions, without keys: one that deploys, from named places only, and one that may only look and plan.

Whom GitHub calls `sub` is given word by word; a pattern such as repo:org/x:* would let in every branch and pull request.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any  # Any: troposphere has no types

from troposphere import GetAtt, If, Ref, Sub, iam

from infra_gen.declare import begin, finish, is_given, optional, several, text
from infra_gen.names import PROJECT, role_path
from infra_gen.parameters import ARTEFACTS, ENVIRONMENT
from infra_gen.permissions import deploy_statements
from infra_gen.policies import Statement, objects, policy, reasons
from infra_gen.skips import DEPLOYER, skip

ISSUER = "token.actions.githubusercontent.com"
HOUR = 3600


@dataclass(frozen=True, slots=True)
class Parameters:
    environment: Any = ENVIRONMENT
    artefacts: Any = ARTEFACTS
    subjects: Any = several(
        "GithubSubjects", "Who may deploy, as GitHub writes `sub`: repo:org/name:environment:prod.", Default="none"
    )
    planners: Any = several(
        "GithubPlanSubjects", "Who may only plan, in the same way: repo:org/name:pull_request.", Default="none"
    )
    provider: Any = optional("GithubProviderArn", "GitHub's identity provider, where the account has it; empty: make it.",
                             AllowedPattern="^(arn:.+)?$")  # fmt: skip
    runner: Any = text("RunnerRepositoryArn", "Repository of the worker's image.")
    portal: Any = text("PortalRepositoryArn", "Repository of the portal's image.")


def build(p: Parameters) -> Any:
    template = begin("Knopfdruck: roles for GitHub Actions.", p)
    is_given(template, "HasProvider", p.provider)
    template.add_condition("NewProvider", {"Fn::Not": [{"Condition": "HasProvider"}]})
    template.add_resource(
        iam.OIDCProvider("Provider", Condition="NewProvider", Url=f"https://{ISSUER}", ClientIdList=["sts.amazonaws.com"])
    )
    _policy(template, "DeployPolicy", "Deploys.", [*map(_filled, deploy_statements())])
    _role(template, "DeployRole", p, p.subjects, pushing(p), ManagedPolicyArns=[Ref("DeployPolicy")])
    _role(template, "PlanRole", p, p.planners, planning())
    return finish(template, [
        ("GithubDeployRoleArn", "What a workflow takes to deploy.", GetAtt("DeployRole", "Arn")),
        ("GithubPlanRoleArn", "What a workflow takes to plan.", GetAtt("PlanRole", "Arn")),
    ])  # fmt: skip


def pushing(p: Parameters) -> list[Statement]:
    push = ("ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:CompleteLayerUpload", "ecr:GetDownloadUrlForLayer",
            "ecr:InitiateLayerUpload", "ecr:PutImage", "ecr:UploadLayerPart")  # fmt: skip
    return [
        Statement("LogIn", ("ecr:GetAuthorizationToken",), ["*"], reason="ECR knows no resource here."),
        Statement("Push", push, [Ref(p.runner), Ref(p.portal)]),
    ]


def planning() -> list[Statement]:
    """A change set that is never executed changes nothing."""
    stacks = Sub(f"arn:${{AWS::Partition}}:cloudformation:${{AWS::Region}}:${{AWS::AccountId}}:stack/{PROJECT}-*")
    why = "Stacks of ours; their names end in ids."
    change = ("cloudformation:CreateChangeSet", "cloudformation:DescribeChangeSet", "cloudformation:DeleteChangeSet",
              "cloudformation:DescribeStacks", "cloudformation:DescribeStackEvents", "cloudformation:ListStackResources",
              "cloudformation:GetTemplate")  # fmt: skip
    return [
        Statement("Plan", change, [stacks], reason=why),
        Statement("Upload", ("s3:PutObject", "s3:GetObject"), [objects("ArtefactBucket", "templates/"),
                  objects("ArtefactBucket", "packages/")], reason="Templates and packages are named by their digests."),
        Statement("WhoAmI", ("sts:GetCallerIdentity",), ["*"], reason="It knows no resource."),
    ]  # fmt: skip


def _filled(statement: Statement) -> Statement:
    """ARNs with the account and partition of the stack."""
    when = {test: {key: _sub(value) for key, value in values.items()} for test, values in statement.when.items()}
    return Statement(statement.sid, statement.actions, [_sub(each) for each in statement.resources], when, statement.reason)


def _sub(value: Any) -> Any:
    return Sub(value) if isinstance(value, str) and "${" in value else value


def _policy(template: Any, title: str, what: str, statements: list[Statement]) -> None:
    template.add_resource(
        iam.ManagedPolicy(
            title,
            Path=role_path(),
            Description=what,
            PolicyDocument=policy(*statements),
            Metadata=reasons(statements) | skip(*DEPLOYER),
        )
    )


def _role(template: Any, title: str, p: Parameters, subjects: Any, statements: list[Statement], **more: Any) -> None:
    """Without the boundary of the others: it forbids making roles, which is what deploying is."""
    provider = If("NewProvider", Ref("Provider"), Ref(p.provider))
    trusted = policy({
        "Effect": "Allow", "Principal": {"Federated": provider}, "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {"StringEquals": {f"{ISSUER}:aud": "sts.amazonaws.com", f"{ISSUER}:sub": Ref(subjects)}},
    })  # fmt: skip
    template.add_resource(
        iam.Role(title, Path=role_path(), AssumeRolePolicyDocument=trusted, MaxSessionDuration=HOUR,
                 Policies=[iam.Policy(PolicyName="own", PolicyDocument=policy(*statements))],
                 Metadata=reasons([*statements, _NO_BOUNDARY]), **more)
    )  # fmt: skip


_NO_BOUNDARY = Statement(
    "NoBoundary", (), (), reason="The boundary of the others forbids making roles, which is what deploying is."
)
