"""Storms of 409 and 412, and answers lost after the write: who holds a lease is still one, and knows it (`make chaos`)."""

from __future__ import annotations

import random
import threading
from collections import Counter

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from portal.aws.s3 import S3Door
from portal.core.errors import StoreUnavailable
from portal.core.protocol import Lease, Start
from portal.stores.pool import Call, Claim, PoolStore
from portal.stores.run_store import RunStore
from portal.stores.s3 import S3Store

pytestmark = pytest.mark.chaos
CONTENDERS = 12


class Body:
    def __init__(self, data: bytes) -> None:
        self._data = data

    def read(self) -> bytes:
        return self._data


class Storm:
    """S3 in memory. Of its conditional writes some are refused as crossed (409), some are made and their answer is lost."""

    def __init__(self, seed: int) -> None:
        self.objects: dict[str, bytes] = {}
        self.seen: Counter[str] = Counter()
        self._chance, self._lock = random.Random(seed), threading.Lock()

    def put_object(self, *, Bucket: str, Key: str, Body: bytes, IfNoneMatch: str = "") -> object:  # noqa: N803  # boto3's names.
        with self._lock:
            luck = self._chance.random()
            if IfNoneMatch and luck < 0.3:
                self._refuse("ConditionalRequestConflict", 409)
            if IfNoneMatch and Key in self.objects:
                self._refuse("PreconditionFailed", 412)
            self.objects[Key] = Body
            if luck > 0.7:
                self.seen["lost"] += 1
                raise EndpointConnectionError(endpoint_url="http://127.0.0.1:9")
        return {}

    def get_object(self, *, Bucket: str, Key: str) -> dict[str, Body]:  # noqa: N803
        with self._lock:
            if Key not in self.objects:
                self._refuse("NoSuchKey", 404)
            return {"Body": Body(self.objects[Key])}

    def _refuse(self, code: str, status: int) -> None:
        self.seen[code] += 1
        raise ClientError({"Error": {"Code": code, "Message": code}, "ResponseMetadata": {"HTTPStatusCode": status}}, "PutObject")  # type: ignore[typeddict-item]  # The rest of an answer is of no interest.


def insisted(write: object) -> object:
    """As workers and controllers do: again until there is an answer."""
    while True:
        try:
            return write()  # type: ignore[operator]
        except StoreUnavailable:
            continue


def contend(take: object) -> list[int]:
    """Which of the contenders were told that they have it."""
    gate, winners = threading.Barrier(CONTENDERS), list[int]()

    def run(number: int) -> None:
        gate.wait()
        if insisted(lambda: take(number)):  # type: ignore[operator]
            winners.append(number)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(CONTENDERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return winners


@pytest.mark.parametrize("seed", range(20))
def test_of_many_that_want_a_lease_or_a_call_one_has_it_and_knows_it(seed: int) -> None:
    storm = Storm(seed)
    objects = S3Store("bucket", "", S3Door(storm))  # type: ignore[arg-type]  # What it uses of a client.
    run, pool = RunStore(objects, "run1"), PoolStore(objects, "ec2")
    call = Call("run1", 0, 2, 1, 0, 0.0, 60.0)
    (holder,) = contend(lambda number: run.take_lease(Lease(0, 2, f"host:{number}", 1.0)))
    (claimant,) = contend(lambda number: pool.claim(call, Claim(f"i-{number}", "a", 1.0)))
    starts = {insisted(lambda t0=t0: run.start(Start(t0))) for t0 in range(CONTENDERS)}
    assert run.lease(0, 2) == Lease(0, 2, f"host:{holder}", 1.0)
    assert pool.claim(call, Claim(f"i-{claimant}", "a", 1.0)), "and is told so again"
    assert starts == {run.started()}, "everybody is given the same start"
    assert storm.seen["ConditionalRequestConflict"] > 0
    assert storm.seen["PreconditionFailed"] > 0


def test_a_storm_loses_answers_too() -> None:
    storm = Storm(1)
    run = RunStore(S3Store("bucket", "", S3Door(storm)), "run1")  # type: ignore[arg-type]
    for slot in range(50):
        assert insisted(lambda slot=slot: run.take_lease(Lease(slot, 1, "mine", 1.0))), "also where the first answer was lost"
    assert storm.seen["lost"] > 5
