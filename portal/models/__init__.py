"""Rows, constraints and queries; no network, no signals, no rules of the domain."""

from portal.models.access import ApiToken
from portal.models.audit import AuditEntry
from portal.models.baseline import Baseline
from portal.models.call_count import CallCount
from portal.models.capacity import CapacityGroup, CapacityHold
from portal.models.environment import Environment
from portal.models.event import RunEvent
from portal.models.heartbeat import Heartbeat
from portal.models.kill_switch import KillSwitch
from portal.models.proof import HostProof
from portal.models.result import Result
from portal.models.run import Run
from portal.models.scenario import Scenario, ScenarioVersion
from portal.models.signature import UsedSignature
from portal.models.trust import TrustedRepository
from portal.models.worker import Worker

__all__ = [
    "ApiToken",
    "AuditEntry",
    "Baseline",
    "CallCount",
    "CapacityGroup",
    "CapacityHold",
    "Environment",
    "Heartbeat",
    "HostProof",
    "KillSwitch",
    "Result",
    "Run",
    "RunEvent",
    "Scenario",
    "ScenarioVersion",
    "TrustedRepository",
    "UsedSignature",
    "Worker",
]
