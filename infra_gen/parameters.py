"""Parameters that more than one stack declares, and the presets: what the root's parameters are where nobody says otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final  # Any: troposphere has no types

from troposphere import Parameter

from infra_gen.declare import choice, optional, several, text

NAME_PATTERN: Final = "^[a-z][a-z0-9-]{0,19}$"

ENVIRONMENT = text("Environment", "Name of this installation; part of log groups and role paths.", AllowedPattern=NAME_PATTERN)
BOUNDARY = text("PermissionsBoundary", "ARN of the policy that no role of this installation can exceed.")
ZONES = choice("Zones", "How many availability zones are used.", "3", "2")
VPC = Parameter("VpcId", Type="AWS::EC2::VPC::Id", Description="The VPC everything runs in.")
RUNNER_SUBNETS = several("RunnerSubnetIds", "Subnets of the workers, one in each zone.")
RUNNER_GROUPS = several("RunnerSecurityGroupIds", "Security groups of the workers.")
PUBLIC_IP = choice(
    "AssignPublicIp", "Whether workers get a public address; they need it where there is no NAT.", "ENABLED", "DISABLED"
)
BUCKET = text("ResultsBucket", "Bucket of the run store and of results.")
STORE = text("StoreUrl", "Address of the run store, where portal and workers meet.")
ENDPOINT = optional("EndpointUrl", "Address of an AWS emulator; empty on AWS.", AllowedPattern="^(https?://.+)?$")
ARTEFACTS = text("ArtefactBucket", "Bucket of the code that is deployed.", MinLength=3)
RETENTION = Parameter(
    "LogRetentionDays", Type="Number", Description="How long logs are kept.", Default=30,
    AllowedValues=[1, 3, 5, 7, 14, 30, 60, 90, 120, 180, 365, 731],
)  # fmt: skip
RUNNER_ZIP = text("RunnerZipKey", "Key of the worker's code, for Lambda and EC2.", Default="none", MinLength=1, MaxLength=100)
K6_LAYER = text("K6LayerKey", "Key of the layer with the k6 binary.", Default="none", MinLength=1, MaxLength=100)
TOPIC = text("CompletionTopicArn", "Topic on which ends of runs are told.")
QUEUE_ARN = text("EventsQueueArn", "Queue of invocations that failed.")
FILE_SYSTEM_GROUP = text("FileSystemSecurityGroupId", "Security group of EFS.")
PRIVATE_SUBNETS = several("PrivateSubnetIds", "Subnets without a way in, for data.")
OUTER_DATABASE = optional(
    "DatabaseUrl", "A database that is there, where the part Portal is not deployed; empty: ours.", NoEcho=True
)
SETTINGS = text("PortalSettingsArn", "Secret with the portal's database and key.")
LAUNCHER = text("LauncherPolicyArn", "Policy of whoever starts workers.")
STORE_POLICY = text("StorePolicyArn", "Policy of whoever reads and writes runs.")
PORTAL_URL = optional(
    "PublicUrl", "Address people open the portal at; empty: its load balancer's.", AllowedPattern="^(https?://.+[^/])?$"
)
RUNNER_REPOSITORY = text("RunnerRepositoryUri", "Repository of the worker's image.")


@dataclass(frozen=True, slots=True)
class Preset:
    """`retain` keeps data when the stack is deleted; `defaults` are the root's parameters that differ from the stacks' own."""

    name: str
    retain: bool = False
    termination_protection: bool = False
    rollback_on_alarm: bool = False
    defaults: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


_DEV = {
    "Zones": "2", "LogRetentionDays": "7", "ResultsDays": "30", "BackupDays": "1", "DeployPortal": "false", "DeployApi": "false",
    "WorkersMost": "12",
}  # fmt: skip
_STAGING = {"Zones": "3", "LogRetentionDays": "30", "DatabaseClass": "db.t4g.small"}
_PROD = {
    "Zones": "3", "LogRetentionDays": "365", "ResultsDays": "365", "BackupDays": "30", "DatabaseClass": "db.t4g.medium",
    "DatabaseMultiZone": "true", "DatabaseGigabytes": "50", "PortalCount": "2", "PortalCpu": "1024", "PortalMemory": "2048",
    "PoolBalancer": "true", "ApiFirewall": "true", "ApiAuthorization": "AWS_IAM", "ImageSchedule": "weekly", "WorkersMost": "100",
    "LambdaConcurrency": "200",
}  # fmt: skip
PRESETS: Final = MappingProxyType({
    "dev": Preset("dev", defaults=MappingProxyType(_DEV)),
    "staging": Preset("staging", termination_protection=True, defaults=MappingProxyType(_STAGING)),
    "prod": Preset("prod", retain=True, termination_protection=True, rollback_on_alarm=True, defaults=MappingProxyType(_PROD)),
})  # fmt: skip
"""dev is runners only, for a portal that is elsewhere: the portal's own parts need its image, or a database, first."""
