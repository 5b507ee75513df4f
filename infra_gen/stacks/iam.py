"""Who workers are: a role for each kind, just enough for one worker's life, under a boundary nobody here can exceed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any  # Any: troposphere has no types

from troposphere import GetAtt, Ref, iam

from infra_gen.declare import begin, finish, text
from infra_gen.names import CONTROL_PREFIX, ENVIRONMENT_TAG, RUNNER_TAG, log_group, role_path
from infra_gen.parameters import BUCKET, ENVIRONMENT, QUEUE_ARN, TOPIC
from infra_gen.policies import (
    METRICS,
    OUR_ROLES,
    Statement,
    arn,
    bucket,
    logs,
    objects,
    plain_trust,
    policy,
    reasons,
    role,
    trust,
)
from infra_gen.skips import CAP, WRITES, skip


@dataclass(frozen=True, slots=True)
class Parameters:
    environment: Any = ENVIRONMENT
    results: Any = BUCKET
    topic: Any = TOPIC
    queue: Any = QUEUE_ARN
    files: Any = text("FileSystemArn", "EFS.")
    scripts: Any = text("ScriptsAccessPointArn", "Scripts on EFS, which workers read.")
    outcomes: Any = text("ResultsAccessPointArn", "Results on EFS, which workers write.")
    repository: Any = text("RunnerRepositoryArn", "Repository of the worker's image.")


def build(p: Parameters) -> Any:
    template = begin("Knopfdruck: boundary and roles of the workers.", p)
    template.add_resource(_boundary())
    template.add_resource(role("LambdaRole", plain_trust("lambda"), lambda_statements(p), boundary=Ref("Boundary")))
    template.add_resource(role("TaskRole", trust("ecs-tasks"), task_statements(p), boundary=Ref("Boundary")))
    template.add_resource(role("ExecutionRole", trust("ecs-tasks"), execution_statements(p), boundary=Ref("Boundary")))
    template.add_resource(
        role("InstanceRole", plain_trust("ec2"), instance_statements(), boundary=Ref("Boundary"), skips=(WRITES,))
    )
    template.add_resource(iam.InstanceProfile("InstanceProfile", Path=role_path(), Roles=[Ref("InstanceRole")]))
    return finish(template, _outputs())


BOUNDED = (
    "application-autoscaling:*", "autoscaling:*", "cloudformation:*", "cloudwatch:*", "ec2:*", "ec2messages:*", "ecr:*", "ecs:*",
    "elasticfilesystem:*", "elasticloadbalancing:Describe*", "events:*", "execute-api:*", "iam:PassRole", "imagebuilder:*",
    "kms:Decrypt", "lambda:*", "logs:*", "pricing:GetProducts", "s3:*", "secretsmanager:GetSecretValue",
    "servicediscovery:DiscoverInstances", "servicequotas:GetServiceQuota", "sns:Publish", "sqs:*", "ssm:*", "ssmmessages:*",
    "sts:GetCallerIdentity",
)  # fmt: skip
_BOUNDARY = (
    Statement("Most", BOUNDED, ["*"], reason="A boundary grants nothing: it caps what the roles themselves say."),
    Statement("Roles", ("sts:AssumeRole",), [OUR_ROLES], reason="Only roles of installations, in whatever account."),
    Statement("Never", ("cloudtrail:*", "ec2:AuthorizeSecurityGroup*", "ec2:*Vpc", "iam:Create*", "iam:Put*", "iam:Attach*",
                        "iam:Update*", "iam:Delete*", "organizations:*"), ["*"], effect="Deny",
              reason="It denies, and shall deny it everywhere."),
)  # fmt: skip


def _boundary() -> Any:
    return iam.ManagedPolicy("Boundary", Path=role_path(), PolicyDocument=policy(*_BOUNDARY),
                             Metadata=reasons(_BOUNDARY) | skip(*CAP),
                             Description="The most that any role of this installation can do.")  # fmt: skip


def worker_statements() -> list[Statement]:
    """What every worker does, wherever it lives: the run store, the run's end, secrets that are marked for it."""
    ours = {"StringEquals": {f"aws:ResourceTag/{RUNNER_TAG}": "true"}}
    why = "Every run has keys of its own, made when it starts."
    secret = "Which secrets a script needs is said in the portal; the tag says which it may have."
    return [
        Statement("ReadStore", ("s3:GetObject",), [objects("ResultsBucket", f"{CONTROL_PREFIX}/")], reason=why),
        Statement("WriteStore", ("s3:PutObject",), [objects("ResultsBucket", f"{CONTROL_PREFIX}/runs/"),
                  objects("ResultsBucket", f"{CONTROL_PREFIX}/pool/"), objects("ResultsBucket", "results/")], reason=why),
        Statement("ListStore", ("s3:ListBucket",), [bucket("ResultsBucket")],
                  {"StringLike": {"s3:prefix": f"{CONTROL_PREFIX}/*"}}),
        Statement("TellEnd", ("sns:Publish",), [Ref("CompletionTopicArn")]),
        Statement("MarkedSecrets", ("secretsmanager:GetSecretValue",), [arn("secretsmanager", "secret:*")], ours, secret),
        Statement("MarkedParameters", ("ssm:GetParameter",), [arn("ssm", "parameter/*")], ours, secret),
        METRICS,
    ]  # fmt: skip


def lambda_statements(p: Parameters) -> Sequence[Statement]:
    return [*worker_statements(), logs(log_group("lambda")), Statement("TellFailure", ("sqs:SendMessage",), [Ref(p.queue)])]


def task_statements(p: Parameters) -> Sequence[Statement]:
    """No ClientRootAccess; scripts are mounted without ClientWrite."""
    return [
        *worker_statements(),
        Statement("ReadScripts", ("elasticfilesystem:ClientMount",), [Ref(p.files)],
                  {"StringEquals": {"elasticfilesystem:AccessPointArn": [Ref(p.scripts), Ref(p.outcomes)]}}),
        Statement("WriteResults", ("elasticfilesystem:ClientWrite",), [Ref(p.files)],
                  {"StringEquals": {"elasticfilesystem:AccessPointArn": Ref(p.outcomes)}}),
    ]  # fmt: skip


def execution_statements(p: Parameters) -> Sequence[Statement]:
    """What ECS itself does before the container starts."""
    pull = ("ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer", "ecr:BatchCheckLayerAvailability")
    return [
        Statement("LogIn", ("ecr:GetAuthorizationToken",), ["*"], reason="ECR knows no resource here."),
        Statement("Pull", pull, [Ref(p.repository)]),
        logs(log_group("fargate")),
    ]


def instance_statements() -> Sequence[Statement]:
    """No AmazonSSMManagedInstanceCore: it reads every parameter of the account."""
    agent = ("ssm:UpdateInstanceInformation", "ssmmessages:CreateControlChannel", "ssmmessages:CreateDataChannel",
             "ssmmessages:OpenControlChannel", "ssmmessages:OpenDataChannel")  # fmt: skip
    group = arn("autoscaling", "autoScalingGroup:*:autoScalingGroupName/*")
    return [
        *worker_statements(),
        logs(log_group("ec2")),
        Statement("SeeStreams", ("logs:DescribeLogStreams",), [arn("logs", "log-group:${Group}:*", Group=log_group("ec2"))],
                  reason="The CloudWatch agent looks at the streams of its own group."),
        Statement("Manage", agent, ["*"], reason="Session Manager's agent names no resource."),
        Statement("OwnGroup", ("autoscaling:CompleteLifecycleAction", "autoscaling:RecordLifecycleActionHeartbeat",
                               "autoscaling:SetInstanceProtection", "autoscaling:TerminateInstanceInAutoScalingGroup"), [group],
                  {"StringEquals": {f"aws:ResourceTag/{ENVIRONMENT_TAG}": Ref("Environment")}},
                  "The group is made after its instances' role; the tag is the limit."),
        Statement("FindGroup", ("autoscaling:DescribeAutoScalingInstances",), ["*"], reason="It knows no resource."),
    ]  # fmt: skip


def _outputs() -> list[tuple[str, str, Any]]:
    return [
        ("PermissionsBoundary", "The most that any role of this installation can do.", Ref("Boundary")),
        ("LambdaRoleArn", "k6 on Lambda.", GetAtt("LambdaRole", "Arn")),
        ("LambdaRoleName", "The same, by name.", Ref("LambdaRole")),
        ("TaskRoleName", "Artillery on Fargate, by name.", Ref("TaskRole")),
        ("TaskRoleArn", "Artillery on Fargate.", GetAtt("TaskRole", "Arn")),
        ("ExecutionRoleArn", "ECS, before a task starts.", GetAtt("ExecutionRole", "Arn")),
        ("InstanceRoleArn", "Workers on EC2.", GetAtt("InstanceRole", "Arn")),
        ("InstanceProfileArn", "The same, as instances take it.", GetAtt("InstanceProfile", "Arn")),
        ("InstanceProfileName", "The same, as Image Builder takes it.", Ref("InstanceProfile")),
    ]
