"""A worker's own totals, for the log of the place it ran in: one line for people and queries, one for CloudWatch.

They are no results: those are made of all workers' snapshots. CloudWatch may count a line twice.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

import numpy as np

from portal.core.block import Block
from portal.core.plan import LoadPlan
from portal.core.protocol import Done

NAMESPACE = "Knopfdruck"
_METRICS = {"Requests": "Count", "FailedRequests": "Count", "Iterations": "Count", "WorkerSeconds": "Seconds",
            "PeakCpuCores": "Count", "PeakMemory": "Bytes"}  # fmt: skip
_COUNTED = {"http_reqs": "Requests", "http_req_failed": "FailedRequests", "iterations": "Iterations"}


class Tally:
    def __init__(self) -> None:
        self.totals = dict.fromkeys(("Requests", "FailedRequests", "Iterations"), 0.0)

    def add(self, block: Block) -> None:
        for index, key in enumerate(block.series):
            name = _COUNTED.get(key.metric)
            if name is not None:
                self.totals[name] += float(np.sum(block.total[block.which == index]))

    def lines(self, plan: LoadPlan, done: Done, namespace: str = NAMESPACE) -> Iterator[str]:
        """As JSON: the worker's last word, then the same numbers in CloudWatch's embedded metric format."""
        seconds = (done.last_second - done.first_second) if done.last_second and done.first_second else 0
        own = {"WorkerSeconds": seconds, "PeakCpuCores": done.peak_cpu_cores, "PeakMemory": done.peak_memory_bytes}
        values = {**self.totals, **own}
        who = {"Run": plan.run_id, "Slot": done.slot, "Epoch": done.epoch}
        said = {"event": "worker_done", **_lower(who), "reason": done.reason.value, "message": done.message,
                "exit_code": done.exit_code, "script_errors": done.script_errors, **_lower(values)}  # fmt: skip
        yield json.dumps(said, ensure_ascii=False)
        metrics = [{"Name": name, "Unit": unit} for name, unit in _METRICS.items()]
        about = {"Namespace": namespace, "Dimensions": [["Environment", "Backend"]], "Metrics": metrics}
        head = {"Timestamp": int(done.at * 1000), "CloudWatchMetrics": [about]}
        yield json.dumps({"_aws": head, "Environment": plan.environment, "Backend": plan.backend, **who, **values})


def _lower(values: Mapping[str, object]) -> dict[str, object]:
    """`WorkerSeconds` as `worker_seconds`: how our own log lines name things."""
    return {"".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("_"): value
            for name, value in values.items()}  # fmt: skip
