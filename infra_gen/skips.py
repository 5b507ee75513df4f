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


def skip(*skips: Skip) -> dict[str, object]:
    """As a resource's Metadata."""
    return {"checkov": {"skip": [{"id": check, "comment": why} for check, why in skips]}}
