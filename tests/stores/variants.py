"""Every kind of object store, empty, for tests that all of them must pass. S3 is moto inside this process."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from moto import mock_aws

from portal.aws.s3 import S3Door
from portal.aws.session import client
from portal.core.ports import ObjectStore
from portal.stores.filesystem import FilesystemStore
from portal.stores.memory import MemoryStore
from portal.stores.s3 import S3Store

VARIANTS = ("memory", "filesystem", "s3")
REGION: Literal["eu-central-1"] = "eu-central-1"


class OneAtATimeDoor(S3Door):
    """S3 does each of these in one step. moto looks for a key and then writes it, and closes a value while it is read."""

    lock = threading.Lock()

    def put(self, bucket: str, key: str, data: bytes) -> None:
        with self.lock:
            super().put(bucket, key, data)

    def put_new(self, bucket: str, key: str, data: bytes) -> bool:
        with self.lock:
            return super().put_new(bucket, key, data)

    def get(self, bucket: str, key: str) -> bytes | None:
        with self.lock:
            return super().get(bucket, key)


@contextmanager
def empty_store(variant: str, folder: Path) -> Iterator[ObjectStore]:
    if variant == "memory":
        yield MemoryStore()
    elif variant == "filesystem":
        yield FilesystemStore(folder / "store")
    else:
        with mock_aws():
            s3 = client("s3", region=REGION)
            s3.create_bucket(Bucket="runs-of-tests", CreateBucketConfiguration={"LocationConstraint": REGION})
            yield S3Store("runs-of-tests", "some/prefix", OneAtATimeDoor(s3))
