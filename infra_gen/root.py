"""The root: what can be chosen, what is refused, the nested stacks, and the outputs a portal's environment is filled from."""

from __future__ import annotations

from typing import Any  # Any: troposphere has no types

from troposphere import And, Condition, Equals, Not, Or, Output, Ref, Sub, Template

from infra_gen.declare import is_on, switch, text
from infra_gen.names import LOG_KINDS, NAMESPACE, PROJECT
from infra_gen.parameters import ENVIRONMENT, Preset
from infra_gen.stack import Stack
from infra_gen.wiring import EITHER, nest, output_of

PARTS = {"Lambda": True, "Fargate": True, "Ec2": True, "Api": True, "Portal": True, "Github": False}
"""What can be left out, and whether it is there where nothing is said."""
OUTPUTS = (
    "ResultsBucket", "RunnerFunctionName", "RunnerFunctionArn", "ClusterName", "ArtilleryTaskDefinitionArn", "PoolServiceName",
    "RunnerSubnetIds", "RunnerSecurityGroupIds", "AssignPublicIp", "WorkerGroupName", "CompletionTopicArn", "EventsQueueUrl",
    "FileSystemId", "ScriptsAccessPointId", "ResultsAccessPointId", "ApiUrl", "ApiId", "ApiStage", "ApiKeyId", "PortalUrl",
    "PortalRepositoryUri", "RunnerRepositoryUri", "LauncherRoleArn", "RollbackAlarms", "ImagePipelineArn", "GithubDeployRoleArn",
    "GithubPlanRoleArn",
)  # fmt: skip
"""What the portal's environment is filled from, beside the region and names; a part that is not deployed has none."""


def build_root(children: tuple[Stack, ...], preset: Preset) -> Any:
    root = Template(Description=f"Knopfdruck: push-button load tests ({preset.name}).")
    root.set_version()
    environment = dict(ENVIRONMENT.properties) | {"Default": preset.name}
    root.add_parameter(type(ENVIRONMENT)("Environment", **environment))
    root.add_parameter(text("TemplateBase", "Where the nested templates lie: the address of a bucket, in path style.",
                            AllowedPattern="^https?://[^?]*[^/?]$"))  # fmt: skip
    for part, usual in PARTS.items():
        default = preset.defaults.get(f"Deploy{part}", str(usual).lower()) == "true"
        declared = switch(f"Deploy{part}", f"Whether the part {part} is deployed.", default=default)
        is_on(root, f"Deploy{part}", root.add_parameter(declared))
    for name, parts in EITHER.items():
        root.add_condition(name, Or(*map(Condition, parts)))
    nest(root, children, preset)
    _refuse(root)
    _say(root, children)
    return root


def _refuse(root: Any) -> None:
    """What cannot work together is refused before anything is made."""
    for name, (when, needed, sentence) in RULES.items():
        assertion = {"Assert": needed, "AssertDescription": sentence}
        root.add_rule(name, {"RuleCondition": when, "Assertions": [assertion]})


def _is(parameter: str, value: str) -> Any:
    return Equals(Ref(parameter), value)


RULES = {
    "PortalNeedsImage": (_is("DeployPortal", "true"), Not(_is("PortalImage", "")),
                         "DeployPortal needs PortalImage: push the portal's image first, and name it with its digest."),
    "ApiNeedsDatabase": (_is("DeployApi", "true"), Or(_is("DeployPortal", "true"), Not(_is("DatabaseUrl", ""))),
                         "DeployApi needs DeployPortal, or DatabaseUrl of a portal that is elsewhere."),
    "LambdaInVpcNeedsNat": (_is("LambdaInVpc", "true"), _is("RunnerSubnets", "private"),
                            "LambdaInVpc needs RunnerSubnets=private: functions get no public address."),
    "LambdaNeedsCode": (_is("DeployLambda", "true"), And(Not(_is("RunnerZipKey", "none")), Not(_is("K6LayerKey", "none"))),
                        "DeployLambda needs RunnerZipKey and K6LayerKey; `manage.py infra deploy` packs and uploads both."),
}  # fmt: skip


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
