"""The whole tree: which stacks there are, in what order they are made, and the root that holds them together."""

from __future__ import annotations

from typing import Any  # Any: troposphere has no types

from troposphere import Condition, Or, Output, Ref, Sub, Template

from infra_gen.declare import is_on, switch, text
from infra_gen.names import LOG_KINDS, NAMESPACE, PROJECT, ROOT_STACK
from infra_gen.parameters import ENVIRONMENT, Preset
from infra_gen.stack import Stack
from infra_gen.stacks import (
    access,
    api,
    database,
    ec2,
    ec2_image,
    fargate,
    github,
    iam,
    lambda_runner,
    messaging,
    monitoring,
    network,
    portal,
    settings,
    storage,
    walls,
)
from infra_gen.wiring import EITHER, nest, output_of

PARTS = {"Lambda": True, "Fargate": True, "Ec2": True, "Api": True, "Portal": True, "Github": False}
"""What can be left out, and whether it is there where nothing is said."""
OUTPUTS = (
    "ResultsBucket", "RunnerFunctionName", "RunnerFunctionArn", "ClusterName", "ArtilleryTaskDefinitionArn", "PoolServiceName",
    "RunnerSubnetIds", "RunnerSecurityGroupIds", "AssignPublicIp", "WorkerGroupName", "CompletionTopicArn", "EventsQueueUrl",
    "FileSystemId", "ScriptsAccessPointId", "ResultsAccessPointId", "ApiUrl", "ApiId", "ApiStage", "ApiKeyId", "PortalUrl",
    "PortalRepositoryUri", "RunnerRepositoryUri", "LauncherRoleArn", "RollbackAlarms", "GithubDeployRoleArn", "GithubPlanRoleArn",
)  # fmt: skip
"""What the portal's environment is filled from, beside the region and names; a part that is not deployed has none."""


def compose(preset: Preset) -> tuple[Stack, ...]:
    """Every stack after those it needs; the root, which is called main, is the last."""
    children = _children(preset)
    return (*children, Stack(ROOT_STACK, _root(children, preset)))


def _children(preset: Preset) -> tuple[Stack, ...]:
    return (
        Stack("network", network.build(network.Parameters())),
        Stack("walls", walls.build(walls.Parameters())),
        Stack("storage", storage.build(storage.Parameters(retain=preset.retain))),
        Stack("messaging", messaging.build(messaging.Parameters())),
        Stack("iam", iam.build(iam.Parameters())),
        Stack("lambda_runner", lambda_runner.build(lambda_runner.Parameters()), "DeployLambda"),
        Stack("fargate", fargate.build(fargate.Parameters()), "DeployFargate"),
        Stack("ec2_image", ec2_image.build(ec2_image.Parameters()), "DeployEc2"),
        Stack("ec2", ec2.build(ec2.Parameters()), "DeployEc2"),
        Stack("access", access.build(access.Parameters())),
        Stack("database", database.build(database.Parameters(retain=preset.retain)), "DeployPortal"),
        Stack("settings", settings.build(settings.Parameters()), "DeployPortalOrApi"),
        Stack("api", api.build(api.Parameters()), "DeployApi"),
        Stack("portal", portal.build(portal.Parameters(protect=preset.retain)), "DeployPortal"),
        Stack("monitoring", monitoring.build(monitoring.Parameters())),
        Stack("github", github.build(github.Parameters()), "DeployGithub"),
    )


def _root(children: tuple[Stack, ...], preset: Preset) -> Any:
    root = Template(Description=f"Knopfdruck: push-button load tests ({preset.name}).")
    root.set_version()
    environment = dict(ENVIRONMENT.properties) | {"Default": preset.name}
    root.add_parameter(type(ENVIRONMENT)("Environment", **environment))
    root.add_parameter(text("TemplateBase", "Where the nested templates lie: the address of a bucket, in path style.",
                            AllowedPattern="^https?://[^?]*[^/?]$"))  # fmt: skip
    for part, usual in PARTS.items():
        is_on(
            root,
            f"Deploy{part}",
            root.add_parameter(switch(f"Deploy{part}", f"Whether the part {part} is deployed.", default=usual)),
        )
    for name, parts in EITHER.items():
        root.add_condition(name, Or(*map(Condition, parts)))
    nest(root, children, preset)
    _say(root, children)
    return root


def _say(root: Any, children: tuple[Stack, ...]) -> None:
    """The outputs the portal's environment is filled from."""
    givers = {output: child for child in children for output in child.outputs}
    for name in OUTPUTS:
        if name in givers:
            child = givers[name]
            condition = {"Condition": child.condition} if child.condition else {}
            description = child.template.outputs[name].Description
            root.add_output(
                Output(name, Description=description, Value=output_of(child, name, under=child.condition), **condition)
            )
    root.add_output(Output("Region", Description="Where all of it is.", Value=Ref("AWS::Region")))
    root.add_output(Output("MetricsNamespace", Description="Where workers' metrics go.", Value=NAMESPACE))
    prefix = Sub(f"/{PROJECT}/${{Environment}}")
    root.add_output(Output("LogGroupPrefix", Description=f"Log groups are under it: {', '.join(LOG_KINDS)}.", Value=prefix))
