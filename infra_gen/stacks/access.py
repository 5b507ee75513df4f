"""Who may start load: two policies, for reading and writing runs and for starting workers, and a role for a portal elsewhere.

Nobody here may register a task definition or run an instance: with these one could hand any role to any code.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any  # Any: troposphere has no types

from troposphere import GetAtt, If, Ref, Sub, iam

from infra_gen.declare import begin, finish, is_given, optional, text
from infra_gen.names import CONTROL_PREFIX, ENVIRONMENT_TAG, TARGET_TAG, role_path
from infra_gen.parameters import BOUNDARY, BUCKET, ENVIRONMENT, QUEUE_ARN, TOPIC
from infra_gen.policies import METRICS, Statement, arn, bucket, objects, policy, reasons


@dataclass(frozen=True, slots=True)
class Parameters:
    environment: Any = ENVIRONMENT
    boundary: Any = BOUNDARY
    results: Any = BUCKET
    topic: Any = TOPIC
    queue: Any = QUEUE_ARN
    task_role: Any = text("TaskRoleArn", "Role of the worker on Fargate.")
    execution: Any = text("ExecutionRoleArn", "Role of ECS, before the worker starts.")
    function: Any = text("RunnerFunctionArn", "Alias of the function; empty: there is none.")
    base: Any = text("RunnerFunctionBaseArn", "The function itself.")
    cluster: Any = text("ClusterArn", "The cluster; empty: there is none.")
    cluster_name: Any = text("ClusterName", "The same, by name.")
    task: Any = text("ArtilleryTaskDefinitionArn", "The task.")
    pool: Any = text("PoolServiceArn", "The pool.")
    group: Any = text("WorkerGroupName", "The group of instances; empty: there is none.")
    portal: Any = optional("PortalPrincipalArn", "Who runs a portal elsewhere and may take our role; empty: nobody.",
                           AllowedPattern="^(arn:aws[a-z-]*:iam::.+)?$")  # fmt: skip
    secret: Any = optional("PortalExternalId", "A word that portal must say when it takes the role.", NoEcho=True)


def build(p: Parameters) -> Any:
    template = begin("Knopfdruck: policies of those who start load.", p)
    for name, parameter in (("HasLambda", p.function), ("HasFargate", p.cluster), ("HasEc2", p.group), ("HasPortal", p.portal)):
        is_given(template, name, parameter)
    _managed(template, "StorePolicy", "Reads and writes runs.", [(each, "") for each in store_statements()])
    _managed(template, "LauncherPolicy", "Starts and stops workers.", launcher_statements(p))
    _role(template, p)
    return finish(template, [
        ("StorePolicyArn", "Reads and writes runs.", Ref("StorePolicy")),
        ("LauncherPolicyArn", "Starts and stops workers.", Ref("LauncherPolicy")),
        ("LauncherRoleArn", "What a portal elsewhere takes.", If("HasPortal", GetAtt("LauncherRole", "Arn"), "")),
    ])  # fmt: skip


def store_statements() -> list[Statement]:
    why = "Every run has keys of its own, made when it starts."
    inside = {"StringLike": {"s3:prefix": [f"{CONTROL_PREFIX}/*", "results/*"]}}
    keys = [objects("ResultsBucket", f"{CONTROL_PREFIX}/"), objects("ResultsBucket", "results/")]
    return [
        Statement("Runs", ("s3:GetObject", "s3:PutObject", "s3:DeleteObject"), keys, reason=why),
        Statement("ListRuns", ("s3:ListBucket",), [bucket("ResultsBucket")], inside),
    ]


def launcher_statements(p: Parameters) -> list[tuple[Statement, str]]:
    """With the condition under which there is something to name."""
    return [*_lambda(p), *_fargate(p), *_ec2(p), *_everywhere(p), *((each, "") for each in target_statements())]


def _lambda(p: Parameters) -> list[tuple[Statement, str]]:
    return [
        (Statement("InvokeWorkers", ("lambda:InvokeFunction",), [Ref(p.function)]), "HasLambda"),
        (Statement("KillSwitch", ("lambda:PutFunctionConcurrency", "lambda:DeleteFunctionConcurrency",
                                  "lambda:GetFunctionConcurrency",
                                  "lambda:GetFunctionConfiguration"), [Ref(p.base), Ref(p.function)]), "HasLambda"),
    ]  # fmt: skip


def _fargate(p: Parameters) -> list[tuple[Statement, str]]:
    ours = {"ArnEquals": {"ecs:cluster": Ref(p.cluster)}}
    tasks = Sub("arn:${AWS::Partition}:ecs:${AWS::Region}:${AWS::AccountId}:task/${ClusterName}/*")
    why = "Tasks of one cluster: their ids are made when they start."
    to_ecs = {"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}}
    return [
        (Statement("RunTasks", ("ecs:RunTask",), [Ref(p.task)], ours), "HasFargate"),
        (Statement("EndTasks", ("ecs:StopTask", "ecs:DescribeTasks"), [tasks], ours, why), "HasFargate"),
        (Statement("ListTasks", ("ecs:ListTasks",), ["*"], ours,
                   "Its resource is a container instance; the cluster is the limit."),
         "HasFargate"),
        (Statement("TagTasks", ("ecs:TagResource",), [tasks], {"StringEquals": {"ecs:CreateAction": "RunTask"}}, why),
         "HasFargate"),
        (Statement("SizePool", ("ecs:UpdateService", "ecs:DescribeServices"), [Ref(p.pool)]), "HasFargate"),
        (Statement("SeePoolsBounds", ("application-autoscaling:DescribeScalableTargets",), ["*"], reason="It knows no resource."),
         "HasFargate"),
        (Statement("SeeCluster", ("ecs:DescribeClusters",), [Ref(p.cluster)]), "HasFargate"),
        (Statement("SeeTask", ("ecs:DescribeTaskDefinition",), ["*"], reason="ECS knows no resource here."), "HasFargate"),
        (Statement("PassRoles", ("iam:PassRole",), [Ref(p.task_role), Ref(p.execution)], to_ecs), "HasFargate"),
    ]  # fmt: skip


def _ec2(p: Parameters) -> list[tuple[Statement, str]]:
    actions = ("autoscaling:SetDesiredCapacity", "autoscaling:TerminateInstanceInAutoScalingGroup",
               "autoscaling:SetInstanceProtection",
               "autoscaling:UpdateAutoScalingGroup", "autoscaling:LaunchInstances")  # fmt: skip
    group = arn("autoscaling", "autoScalingGroup:*:autoScalingGroupName/${WorkerGroupName}")
    looking = ("autoscaling:DescribeAutoScalingGroups", "autoscaling:DescribeAutoScalingInstances",
               "autoscaling:DescribeScalingActivities", "ec2:DescribeInstances", "ec2:DescribeInstanceStatus",
               "ec2:DescribeSpotPriceHistory")  # fmt: skip
    tagged = {"StringEquals": {f"aws:ResourceTag/{ENVIRONMENT_TAG}": Ref(p.environment)}}
    return [
        (Statement("SizeGroup", actions, [group], tagged, "Before the name stands an id that AWS gives the group."), "HasEc2"),
        (Statement("SeeGroup", looking, ["*"], reason="None of these knows resources."), "HasEc2"),
    ]


def _everywhere(p: Parameters) -> list[tuple[Statement, str]]:
    reading = ("logs:FilterLogEvents", "logs:GetLogEvents")
    groups = arn("logs", "log-group:/knopfdruck/${Environment}/*")
    looking = ("pricing:GetProducts", "servicequotas:GetServiceQuota", "cloudwatch:GetMetricData",
               "ec2:DescribeSubnets", "sts:GetCallerIdentity")  # fmt: skip
    return [
        (Statement("FailedCalls", ("sqs:ReceiveMessage", "sqs:DeleteMessage"), [Ref(p.queue)]), ""),
        (Statement("TellEnds", ("sns:Publish",), [Ref(p.topic)]), ""),
        (Statement("ReadLogs", reading, [groups], reason="The log groups of this installation, and their streams."), ""),
        (Statement("Look", looking, ["*"], reason="None of these knows resources."), ""),
        (METRICS, ""),
    ]  # fmt: skip


def target_statements() -> list[Statement]:
    """Where services say their addresses (`ssm:`, `cfn:`, `cloudmap:`, `alb:`): what is read whole must be marked for it."""
    marked = {"StringEquals": {f"aws:ResourceTag/{TARGET_TAG}": "true"}}
    why = "Which one it is stands in the portal's environment; the tag says which may be read."
    return [
        Statement("TargetParameters", ("ssm:GetParameter",), [arn("ssm", "parameter/*")], marked, why),
        Statement("TargetStacks", ("cloudformation:DescribeStacks",), [arn("cloudformation", "stack/*")], marked, why),
        Statement("TargetAddresses", ("servicediscovery:DiscoverInstances", "elasticloadbalancing:DescribeLoadBalancers",
                                      "elasticloadbalancing:DescribeListeners", "elasticloadbalancing:DescribeTags"), ["*"],
                  reason="None of these knows resources; what they tell is addresses."),
    ]  # fmt: skip


def _managed(template: Any, title: str, what: str, statements: list[tuple[Statement, str]]) -> None:
    nothing = Ref("AWS::NoValue")
    document = policy(*(If(condition, each.document(), nothing) if condition else each for each, condition in statements))
    template.add_resource(
        iam.ManagedPolicy(title, Path=role_path(), Description=what, PolicyDocument=document,
                          Metadata=reasons([each for each, _ in statements]))
    )  # fmt: skip


def _role(template: Any, p: Parameters) -> None:
    """For a portal on a laptop or in another account: it has to name the word we agreed on."""
    trusted = policy({"Effect": "Allow", "Principal": {"AWS": Ref(p.portal)}, "Action": "sts:AssumeRole",
                      "Condition": {"StringEquals": {"sts:ExternalId": Ref(p.secret)}}})  # fmt: skip
    template.add_resource(
        iam.Role("LauncherRole", Condition="HasPortal", Path=role_path(), PermissionsBoundary=Ref(p.boundary),
                 AssumeRolePolicyDocument=trusted, ManagedPolicyArns=[Ref("StorePolicy"), Ref("LauncherPolicy")])
    )  # fmt: skip
