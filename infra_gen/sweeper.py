"""The sweeper's function, role and schedule: the last guard against workers that nobody watches any more."""

from __future__ import annotations

from pathlib import Path
from typing import Any  # Any: troposphere has no types, the parameters are the monitoring stack's

from troposphere import GetAtt, Ref, awslambda, events

from infra_gen.log_groups import kept_logs
from infra_gen.names import ARCHITECTURE, CONTROL_PREFIX, EC2_GROUP, MANAGED_TAG, NAMESPACE, PYTHON, log_group
from infra_gen.policies import METRICS, Statement, objects, plain_trust, role
from infra_gen.policies import logs as writing
from infra_gen.skips import NO_RESERVE, OUTSIDE_VPC, PLAIN_ENVIRONMENT, SYNCHRONOUS, TRACING, skip

CODE = Path(__file__).resolve().parent / "functions" / "sweep.py"
EVERY = "rate(5 minutes)"


def sweeper(template: Any, p: Any) -> None:
    template.add_resource(kept_logs("SweeperLogs", "sweeper", p.retention))
    template.add_resource(role("SweeperRole", plain_trust("lambda"), statements()))
    template.add_resource(_function(p))
    template.add_resource(
        events.Rule("SweepRule", Description="Ends workers that are left over.", ScheduleExpression=EVERY,
                    Targets=[events.Target(Id="sweeper", Arn=GetAtt("Sweeper", "Arn"))])
    )  # fmt: skip
    template.add_resource(
        awslambda.Permission("SweepRuleMayCall", Action="lambda:InvokeFunction", FunctionName=Ref("Sweeper"),
                             Principal="events.amazonaws.com", SourceArn=GetAtt("SweepRule", "Arn"))
    )  # fmt: skip


def _function(p: Any) -> Any:
    variables = {
        "MOST_HOURS": Ref(p.oldest), "ACTS": Ref(p.acts), "ENVIRONMENT": Ref(p.environment), "NAMESPACE": NAMESPACE,
        "BUCKET": Ref(p.results), "PREFIX": CONTROL_PREFIX, "CLUSTER": Ref(p.cluster), "GROUP": Ref(p.group), "POOL": EC2_GROUP,
    }  # fmt: skip
    return awslambda.Function(
        "Sweeper", Description="Ends workers that are left over.", Handler="index.handle", Runtime=PYTHON, Timeout=120,
        MemorySize=256,
        Architectures=[ARCHITECTURE], Role=GetAtt("SweeperRole", "Arn"), Code=awslambda.Code(ZipFile=CODE.read_text()),
        Environment=awslambda.Environment(Variables=variables),
        LoggingConfig=awslambda.LoggingConfig(LogGroup=Ref("SweeperLogs")),
        Metadata=skip(TRACING, SYNCHRONOUS, OUTSIDE_VPC, NO_RESERVE, PLAIN_ENVIRONMENT),
    )  # fmt: skip


def statements() -> list[Statement]:
    ours = {"StringEquals": {f"aws:ResourceTag/{MANAGED_TAG}": "true"}}
    looking = ("ecs:ListTasks", "ecs:DescribeTasks", "autoscaling:DescribeAutoScalingGroups", "ec2:DescribeInstances")
    ending = ("ecs:StopTask", "autoscaling:TerminateInstanceInAutoScalingGroup")
    return [
        writing(log_group("sweeper")),
        METRICS,
        Statement("Look", looking, ["*"], reason="It has to find what nobody knows of."),
        Statement("End", ending, ["*"], ours, "What is left over has no name; the tag says that it is ours."),
        Statement("RunsOver", ("s3:GetObject",), [objects("ResultsBucket", f"{CONTROL_PREFIX}/")], reason="Of any run."),
    ]
