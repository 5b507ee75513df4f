"""k6 on Lambda, for bursts: the function, its layer, the alias `live`, and what happens to calls that fail.

Calls are asynchronous and never repeated: a repeated call would be a second load test.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any  # Any: troposphere has no types

from troposphere import Equals, GetAtt, If, Not, Ref, Sub, awslambda, iam

from infra_gen.declare import begin, finish, is_on, number, switch, text
from infra_gen.log_groups import kept_logs
from infra_gen.names import ARCHITECTURE, AWS_LAMBDA_BASIS, LIVE_ALIAS, PYTHON
from infra_gen.parameters import (
    ARTEFACTS,
    ENVIRONMENT,
    K6_LAYER,
    QUEUE_ARN,
    RETENTION,
    RUNNER_GROUPS,
    RUNNER_SUBNETS,
    RUNNER_ZIP,
    TOPIC,
)  # fmt: skip
from infra_gen.policies import FUNCTION_IN_VPC, policy, reasons
from infra_gen.skips import CODE_SIGNING, OWN_QUEUE, PLAIN_ENVIRONMENT, TRACING, WRITES, skip

LONGEST_SECONDS, LEAST_AGE_SECONDS, SCRATCH_MB = 900, 60, 2048
HANDLER = "runner_images.aws_lambda.handler.handle"


@dataclass(frozen=True, slots=True)
class Parameters:
    environment: Any = ENVIRONMENT
    role: Any = text("LambdaRoleArn", "Role of the function.")
    role_name: Any = text("LambdaRoleName", "The same, by name.")
    artefacts: Any = ARTEFACTS
    code: Any = RUNNER_ZIP
    layer: Any = K6_LAYER
    memory: Any = number("LambdaMemory", "Megabytes of one worker; 1769 are one processor.", default=1769, least=512, most=10240)
    concurrency: Any = number("LambdaConcurrency", "How many workers run at once at the most, reserved; 0 reserves none.",
                              default=0, least=0, most=10000)  # fmt: skip
    vpc: Any = switch(
        "LambdaInVpc", "Whether workers run in the VPC, which only private targets need; then choose private subnets."
    )
    subnets: Any = RUNNER_SUBNETS
    groups: Any = RUNNER_GROUPS
    queue: Any = QUEUE_ARN
    topic: Any = TOPIC
    retention: Any = RETENTION


def build(p: Parameters) -> Any:
    template = begin("Knopfdruck: k6 on Lambda.", p)
    is_on(template, "InVpc", p.vpc)
    template.add_condition("Reserved", Not(Equals(Ref(p.concurrency), 0)))
    template.add_resource(kept_logs("Logs", "lambda", p.retention))
    _permission_for_vpc(template, p)
    _function(template, p)
    _version(template, p)
    _calls(template, p)
    return finish(template, [
        ("RunnerFunctionName", "The function.", Ref("Runner")),
        ("RunnerFunctionArn", "Its alias, which is what is called.", Ref("Live")),
        ("RunnerFunctionBaseArn", "The function itself, whose concurrency can be set to 0.", GetAtt("Runner", "Arn")),
    ])  # fmt: skip


def _permission_for_vpc(template: Any, p: Parameters) -> None:
    template.add_resource(
        iam.PolicyType("VpcPolicy", Condition="InVpc", PolicyName="vpc", Roles=[Ref(p.role_name)],
                       PolicyDocument=policy(FUNCTION_IN_VPC), Metadata=reasons([FUNCTION_IN_VPC]) | skip(WRITES))
    )  # fmt: skip


def _function(template: Any, p: Parameters) -> None:
    place = awslambda.VPCConfig(SubnetIds=Ref(p.subnets), SecurityGroupIds=Ref(p.groups))
    template.add_resource(
        awslambda.LayerVersion("K6Layer", Description="The k6 binary, in bin/.", CompatibleArchitectures=[ARCHITECTURE],
                               Content=awslambda.Content(S3Bucket=Ref(p.artefacts), S3Key=Ref(p.layer)))
    )  # fmt: skip
    template.add_resource(
        awslambda.Function(
            "Runner", Description="One worker of a load test.", Handler=HANDLER, Runtime=PYTHON, Role=Ref(p.role),
            Architectures=[ARCHITECTURE], Code=awslambda.Code(S3Bucket=Ref(p.artefacts), S3Key=Ref(p.code)),
            Layers=[Ref("K6Layer")], MemorySize=Ref(p.memory), Timeout=LONGEST_SECONDS,
            EphemeralStorage=awslambda.EphemeralStorage(Size=SCRATCH_MB), VpcConfig=If("InVpc", place, Ref("AWS::NoValue")),
            ReservedConcurrentExecutions=If("Reserved", Ref(p.concurrency), Ref("AWS::NoValue")),
            LoggingConfig=awslambda.LoggingConfig(LogGroup=Ref("Logs")),
            Environment=awslambda.Environment(Variables=AWS_LAMBDA_BASIS | {
                "KNOPFDRUCK_ENVIRONMENT": Ref(p.environment), "KNOPFDRUCK_TOPIC": Ref(p.topic)}),
            Metadata=skip(TRACING, CODE_SIGNING, OWN_QUEUE, PLAIN_ENVIRONMENT),
        )
    )  # fmt: skip


def _version(template: Any, p: Parameters) -> None:
    """Its description names all that makes it another one: a version is replaced, not changed, when that changes."""
    content = "${RunnerZipKey} ${K6LayerKey} ${LambdaMemory} " + PYTHON
    template.add_resource(awslambda.Version("Published", FunctionName=Ref("Runner"), Description=Sub(content)))
    template.add_resource(
        awslambda.Alias("Live", Name=LIVE_ALIAS, FunctionName=Ref("Runner"), FunctionVersion=GetAtt("Published", "Version"))
    )


def _calls(template: Any, p: Parameters) -> None:
    failed = awslambda.DestinationConfig(OnFailure=awslambda.OnFailure(Destination=Ref(p.queue)))
    template.add_resource(
        awslambda.EventInvokeConfig("Calls", FunctionName=Ref("Runner"), Qualifier=LIVE_ALIAS, DependsOn="Live",
                                    MaximumRetryAttempts=0, MaximumEventAgeInSeconds=LEAST_AGE_SECONDS, DestinationConfig=failed)
    )  # fmt: skip
