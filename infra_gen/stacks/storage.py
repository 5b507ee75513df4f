"""What is kept: the bucket of the run store and of results, repositories of images, EFS for scripts and results."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any  # Any: troposphere has no types

from troposphere import Equals, GetAtt, If, Ref, Select, Sub, Tags, ecr, efs, s3

from infra_gen.declare import begin, finish, is_given, number
from infra_gen.names import CONTROL_PREFIX
from infra_gen.parameters import ENDPOINT, ENVIRONMENT, RUNNER_SUBNETS, ZONES
from infra_gen.parameters import FILE_SYSTEM_GROUP as EFS_GROUP
from infra_gen.policies import policy
from infra_gen.skips import BUCKET_LOG, OWN_KEY, UNVERSIONED, Skip, skip
from infra_gen.tags import pairs

WORKER_ID = "10001"
"""User and group of the agent in the image."""


@dataclass(frozen=True, slots=True)
class Parameters:
    environment: Any = ENVIRONMENT
    endpoint: Any = ENDPOINT
    zones: Any = ZONES
    subnets: Any = RUNNER_SUBNETS
    group: Any = EFS_GROUP
    days: Any = number("ResultsDays", "How many days results are kept.", default=90, least=1, most=3650)
    retain: bool = False


def build(p: Parameters) -> Any:
    template = begin("Knopfdruck: storage.", p)
    is_given(template, "HasEndpoint", p.endpoint)
    template.add_condition("ThreeZones", Equals(Ref(p.zones), "3"))
    _bucket(template, p)
    _repositories(template, p)
    _file_system(template, p)
    return finish(template, _outputs())


def _policy(p: Parameters) -> dict[str, str]:
    word = "Retain" if p.retain else "Delete"
    return {"DeletionPolicy": word, "UpdateReplacePolicy": word}


def _bucket(template: Any, p: Parameters) -> None:
    template.add_resource(
        s3.Bucket(
            "Results",
            BucketEncryption=s3.BucketEncryption(ServerSideEncryptionConfiguration=[
                s3.ServerSideEncryptionRule(ServerSideEncryptionByDefault=s3.ServerSideEncryptionByDefault(SSEAlgorithm="AES256"))]),
            PublicAccessBlockConfiguration=s3.PublicAccessBlockConfiguration(
                BlockPublicAcls=True, BlockPublicPolicy=True, IgnorePublicAcls=True, RestrictPublicBuckets=True),
            OwnershipControls=s3.OwnershipControls(Rules=[s3.OwnershipControlsRule(ObjectOwnership="BucketOwnerEnforced")]),
            VersioningConfiguration=s3.VersioningConfiguration(Status="Enabled" if p.retain else "Suspended"),
            LifecycleConfiguration=_lifecycle(p), Metadata=skip(*_bucket_skips(p)),
            **_policy(p),
        )
    )  # fmt: skip
    template.add_resource(s3.BucketPolicy("ResultsPolicy", Bucket=Ref("Results"), PolicyDocument=policy({
        "Sid": "OnlyOverTls", "Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": [
            Sub("arn:${AWS::Partition}:s3:::${Results}"), Sub("arn:${AWS::Partition}:s3:::${Results}/*")],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}}}),
        Metadata={"Reasons": {"OnlyOverTls": "It denies, and shall deny everything."}}))  # fmt: skip


def _bucket_skips(p: Parameters) -> tuple[Skip, ...]:
    return (BUCKET_LOG,) if p.retain else (BUCKET_LOG, UNVERSIONED)


def _lifecycle(p: Parameters) -> Any:
    """The portal prunes runs itself; this is for what it no longer knows."""
    return s3.LifecycleConfiguration(Rules=[
        s3.LifecycleRule(Id="results", Status="Enabled", Prefix="results/", ExpirationInDays=Ref(p.days)),
        s3.LifecycleRule(Id="runs", Status="Enabled", Prefix=f"{CONTROL_PREFIX}/runs/", ExpirationInDays=Ref(p.days)),
        s3.LifecycleRule(
            Id="remains", Status="Enabled", Prefix="",
            AbortIncompleteMultipartUpload=s3.AbortIncompleteMultipartUpload(DaysAfterInitiation=1),
            NoncurrentVersionExpiration=s3.NoncurrentVersionExpiration(NoncurrentDays=30)),
    ])  # fmt: skip


def _repositories(template: Any, p: Parameters) -> None:
    for title, name in (("RunnerRepository", "artillery"), ("PortalRepository", "portal")):
        template.add_resource(
            ecr.Repository(
                title, RepositoryName=Sub(f"knopfdruck-${{Environment}}/{name}"), ImageTagMutability="IMMUTABLE",
                ImageScanningConfiguration=ecr.ImageScanningConfiguration(ScanOnPush=True), EmptyOnDelete=not p.retain,
                Metadata=skip(OWN_KEY), LifecyclePolicy=ecr.LifecyclePolicy(LifecyclePolicyText=_KEEP_TEN), **_policy(p),
            )
        )  # fmt: skip


_KEEP_TEN = (
    '{"rules":[{"rulePriority":1,"description":"Keep the last ten images.","selection":{"tagStatus":"any",'
    '"countType":"imageCountMoreThan","countNumber":10},"action":{"type":"expire"}}]}'
)


def _file_system(template: Any, p: Parameters) -> None:
    add = template.add_resource
    add(efs.FileSystem("Files", Encrypted=True, ThroughputMode="elastic", FileSystemTags=Tags(**pairs()),
                       LifecyclePolicies=[efs.LifecyclePolicy(TransitionToIA="AFTER_30_DAYS")],
                       BackupPolicy=efs.BackupPolicy(Status="ENABLED" if p.retain else "DISABLED"),
                       FileSystemPolicy=_FILE_POLICY, Metadata=_FILE_REASONS, **_policy(p)))  # fmt: skip
    for index, letter in enumerate("ABC"):
        more = {"Condition": "ThreeZones"} if letter == "C" else {}
        add(efs.MountTarget(f"Mount{letter}", FileSystemId=Ref("Files"), SubnetId=Select(index, Ref(p.subnets)),
                            SecurityGroups=[Ref(p.group)], **more))  # fmt: skip
    for title, path in (("ScriptsAccess", "/scripts"), ("ResultsAccess", "/results")):
        owner = efs.CreationInfo(OwnerUid=WORKER_ID, OwnerGid=WORKER_ID, Permissions="750")
        add(efs.AccessPoint(title, FileSystemId=Ref("Files"), PosixUser=efs.PosixUser(Uid=WORKER_ID, Gid=WORKER_ID),
                            RootDirectory=efs.RootDirectory(Path=path, CreationInfo=owner)))  # fmt: skip


_FILE_POLICY = policy(
    {"Sid": "OnlyOverTls", "Effect": "Deny", "Principal": {"AWS": "*"}, "Action": "*",
     "Condition": {"Bool": {"aws:SecureTransport": "false"}}},
    {"Sid": "OnlyThroughAccessPoints", "Effect": "Deny", "Principal": {"AWS": "*"}, "Action": "elasticfilesystem:ClientMount",
     "Condition": {"Null": {"elasticfilesystem:AccessPointArn": "true"}}},
    {"Sid": "NobodyIsRoot", "Effect": "Deny", "Principal": {"AWS": "*"}, "Action": "elasticfilesystem:ClientRootAccess"},
    {"Sid": "WhoseRoleSaysSo", "Effect": "Allow", "Principal": {"AWS": Sub("arn:${AWS::Partition}:iam::${AWS::AccountId}:root")},
     "Action": ["elasticfilesystem:ClientMount", "elasticfilesystem:ClientWrite"]},
)  # fmt: skip
_FILE_REASONS = {
    "Reasons": {
        "OnlyOverTls": "It denies, and shall deny everything.",
        "OnlyThroughAccessPoints": "It denies to everybody.",
        "NobodyIsRoot": "It denies to everybody.",
    }
}


def _outputs() -> list[tuple[str, str, Any]]:
    place = f"s3://${{Results}}/{CONTROL_PREFIX}?region=${{AWS::Region}}"
    return [
        ("ResultsBucket", "Bucket of the run store and of results.", Ref("Results")),
        ("StoreUrl", "Address of the run store.", If("HasEndpoint", Sub(place + "&endpoint_url=${EndpointUrl}"), Sub(place))),
        ("RunnerRepositoryUri", "Where the worker's image is pushed.", GetAtt("RunnerRepository", "RepositoryUri")),
        ("RunnerRepositoryArn", "The same, as policies name it.", GetAtt("RunnerRepository", "Arn")),
        ("PortalRepositoryUri", "Where the portal's image is pushed.", GetAtt("PortalRepository", "RepositoryUri")),
        ("PortalRepositoryArn", "The same, as policies name it.", GetAtt("PortalRepository", "Arn")),
        ("FileSystemId", "EFS.", Ref("Files")),
        ("FileSystemArn", "The same, as policies name it.", GetAtt("Files", "Arn")),
        ("ScriptsAccessPointId", "Scripts on EFS.", Ref("ScriptsAccess")),
        ("ScriptsAccessPointArn", "The same, as policies name it.", GetAtt("ScriptsAccess", "Arn")),
        ("ResultsAccessPointId", "Results on EFS.", Ref("ResultsAccess")),
        ("ResultsAccessPointArn", "The same, as policies name it.", GetAtt("ResultsAccess", "Arn")),
    ]
