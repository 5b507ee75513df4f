"""How many machines of a group all runs together hold. The port `CapacityLedger` over rows: one group, one lock."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import models, transaction

ALONE_SECONDS = 90.0
"""A process that died while it changed a group's size holds others up for no longer; calls to AWS end before that."""


class CapacityGroup(models.Model):
    name = models.CharField(max_length=500, primary_key=True)
    owner = models.CharField(max_length=40, blank=True)
    until = models.FloatField(default=0)
    free_since = models.FloatField(null=True)

    def __str__(self) -> str:
        return self.name


class CapacityHold(models.Model):
    group = models.ForeignKey(CapacityGroup, on_delete=models.CASCADE, related_name="holds")
    run_id = models.CharField(max_length=32)
    workers = models.PositiveIntegerField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=("group", "run_id"), name="one_hold_per_run"),)

    def __str__(self) -> str:
        return f"{self.workers} for {self.run_id}"


class DatabaseLedger:
    """Holds are written under the group's row lock; the size is changed by who holds the group's lease, because a call to AWS
    takes too long for a lock."""

    def hold(self, group: str, run_id: str, workers: int) -> None:
        with transaction.atomic():
            row = self._locked(group)
            CapacityHold.objects.update_or_create(group=row, run_id=run_id, defaults={"workers": workers})
            if row.free_since is not None:
                CapacityGroup.objects.filter(pk=group).update(free_since=None)

    def release(self, group: str, run_id: str) -> None:
        with transaction.atomic():
            row = self._locked(group)
            gone, _ = row.holds.filter(run_id=run_id).delete()
            if gone and not row.holds.exists():
                CapacityGroup.objects.filter(pk=group).update(free_since=time.time())

    def held(self, group: str) -> int:
        found = CapacityHold.objects.filter(group=group).aggregate(total=models.Sum("workers"))["total"]
        return found or 0

    def holders(self, group: str) -> tuple[str, ...]:
        return tuple(CapacityHold.objects.filter(group=group).values_list("run_id", flat=True))

    def free_since(self, group: str) -> float | None:
        return CapacityGroup.objects.filter(pk=group).values_list("free_since", flat=True).first()

    @contextmanager
    def alone(self, group: str) -> Iterator[bool]:
        owner, now = secrets.token_hex(16), time.time()
        CapacityGroup.objects.get_or_create(pk=group)
        is_mine = CapacityGroup.objects.filter(pk=group, until__lte=now).update(owner=owner, until=now + ALONE_SECONDS) == 1
        try:
            yield is_mine
        finally:
            CapacityGroup.objects.filter(pk=group, owner=owner).update(owner="", until=0)

    @staticmethod
    def _locked(group: str) -> CapacityGroup:
        CapacityGroup.objects.get_or_create(pk=group)
        return CapacityGroup.objects.select_for_update().get(pk=group)
