"""What checkov asks for and we do not do, each with its reason. A skip is written on the one resource it is for."""

from __future__ import annotations

from typing import Final

Skip = tuple[str, str]
TRACING: Final[Skip] = ("CKV_AWS_50", "A worker is measured by its own run; traces would cost CPU that makes load.")
CODE_SIGNING: Final[Skip] = ("CKV_AWS_272", "The key of the code is its digest, and only the deployer writes to that bucket.")
OWN_QUEUE: Final[Skip] = ("CKV_AWS_116", "Failed calls go to the events queue, by EventInvokeConfig.")
SYNCHRONOUS: Final[Skip] = ("CKV_AWS_116", "It is called synchronously, or again a minute later; nothing is lost with a call.")
OUTSIDE_VPC: Final[Skip] = ("CKV_AWS_117", "It talks to AWS only; in the VPC it would need NAT.")
PUBLIC_LOAD: Final[Skip] = (
    "CKV_AWS_117",
    "Outside of the VPC load needs no NAT; LambdaInVpc puts workers inside for private targets.",
)
NO_RESERVE: Final[Skip] = ("CKV_AWS_115", "New accounts have nothing to reserve from; LambdaConcurrency reserves where there is.")
PLAIN_ENVIRONMENT: Final[Skip] = ("CKV_AWS_173", "Its variables hold names and addresses, no secrets.")
SERVICE_KEY: Final[Skip] = (
    "CKV_AWS_158",
    "Logs are encrypted with the service's key; nothing in them is secret, and a key costs money.",
)
OWN_KEY: Final[Skip] = ("CKV_AWS_136", "Images are encrypted with the service's key; they hold no secrets.")
QUEUE_KEY: Final[Skip] = (
    "CKV_AWS_27",
    "SQS encrypts it with its own key (SqsManagedSseEnabled), which this check does not know.",
)
BUCKET_LOG: Final[Skip] = ("CKV_AWS_18", "Workers write many small objects; a log of each would cost more than the objects.")
UNVERSIONED: Final[Skip] = ("CKV_AWS_21", "Objects of a run are written once; only prod keeps versions, against accidents.")
WRITES: Final[Skip] = ("CKV_AWS_111", "These actions know no resource; beside each statement stands why.")
CAP: Final[tuple[Skip, ...]] = tuple(
    (f"CKV_AWS_{number}", "A boundary grants nothing: it caps what the roles themselves say.") for number in range(107, 112)
)
DEPLOYER: Final[tuple[Skip, ...]] = tuple(
    (f"CKV_AWS_{number}", "Whoever deploys makes all of this; roles only under our path and boundary.")
    for number in range(107, 112)
)
GIVEN_ADDRESS: Final[Skip] = ("CKV_AWS_130", "The machine that makes images has no other way out, and nothing can come in.")
ALARM_KEY: Final[Skip] = ("CKV_AWS_26", "CloudWatch cannot use the service's own key, and alarms say no secrets.")
CODED_PUBLIC: Final[Skip] = ("CKV_AWS_88", "Without NAT load leaves through the worker's own public address; nothing comes in.")
INSIGHTS: Final[Skip] = ("CKV_AWS_65", "Workers measure themselves, second by second; Container Insights costs by the task.")
WRITABLE_ROOT: Final[Skip] = ("CKV_AWS_336", "Engines unpack scripts beside themselves; a container lives for one run.")
PLAIN_HTTP: Final[Skip] = ("CKV_AWS_2", "Nothing but health checks goes through it, inside the VPC.")
INTERNAL: Final[tuple[Skip, ...]] = (
    ("CKV_AWS_91", "Nothing but health checks goes through it: there is nothing to log."),
    ("CKV_AWS_150", "It holds nothing that could be lost."),
    ("CKV_AWS_152", "Workers of one zone are asked from that zone."),
)
ROTATION: Final[Skip] = ("CKV_AWS_149", "The service's own key encrypts it; a key of ours costs more than the secret.")
DATABASE: Final[tuple[Skip, ...]] = (
    ("CKV_AWS_129", "RDS would write into a log group of its own, which nobody limits and no stack removes."),
    ("CKV_AWS_161", "Django logs in by password, which nobody knows and no template holds."),
    ("CKV_AWS_157", "The preset says whether a second zone is paid for: DatabaseMultiZone."),
    ("CKV_AWS_118", "CloudWatch's own metrics of the database are enough for a portal."),
    ("CKV_AWS_353", "Performance Insights would say more than a portal needs."),
    ("CKV_AWS_293", "The preset says whether data is kept: prod protects it."),
)
CACHE: Final[Skip] = ("CKV_AWS_120", "Answers about running tests must be fresh.")
TRACED_API: Final[Skip] = ("CKV_AWS_73", "Calls are logged one by one; traces would say no more.")
HTTP_LISTENER: Final[tuple[Skip, ...]] = (
    ("CKV_AWS_2", "Without a certificate there is nothing else; with one it only points to https."),
    ("CKV_AWS_103", "It speaks no TLS at all: it only points to where TLS is spoken."),
)
PLAIN_TARGETS: Final[Skip] = ("CKV_AWS_378", "Behind the balancer plain http stays in the VPC, between two groups of ours.")
BALANCER: Final[tuple[Skip, ...]] = (
    ("CKV_AWS_91", "The portal logs and audits its calls itself."),
    ("CKV_AWS_150", "The preset says whether it is protected: prod is."),
)


def skip(*skips: Skip) -> dict[str, object]:
    """As a resource's Metadata; nothing for none."""
    return {} if not skips else {"checkov": {"skip": [{"id": check, "comment": why} for check, why in skips]}}


def ignore(rule: str, why: str) -> dict[str, object]:
    """The same for a finding of cfn-lint."""
    return {"cfn-lint": {"config": {"ignore_checks": [rule]}}, "Reasons": {rule: why}}
