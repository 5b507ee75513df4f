"""The door to S3: bytes under keys in a bucket. Raises AwsError only.

A role without s3:ListBucket is told 403 instead of 404 about a missing key, so `get` needs that permission too.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from portal.aws.errors import AwsRefused, AwsUnavailable, reason_of, translated

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client
    from mypy_boto3_s3.type_defs import ListObjectsV2OutputTypeDef

CONFLICTS = 5
EXISTS = ("PreconditionFailed", "412")
# Two conditional writes crossed and S3 wants the loser to ask again; by then the other one usually stands.
CROSSED = ("ConditionalRequestConflict", "409")


class S3Door:
    """Safe between threads, as boto3's clients are."""

    def __init__(self, s3: S3Client) -> None:
        self._s3 = s3

    def put(self, bucket: str, key: str, data: bytes) -> None:
        with translated("s3:PutObject"):
            self._s3.put_object(Bucket=bucket, Key=key, Body=data)

    def put_new(self, bucket: str, key: str, data: bytes) -> bool:
        """False when the key exists: also when botocore's first attempt wrote it and only the answer was lost."""
        for _ in range(CONFLICTS):
            with translated("s3:PutObject"):
                written = self._put_unless_there(bucket, key, data)
            if written is not None:
                return written
        raise AwsUnavailable(f"s3:PutObject: {key} is being written by others.", operation="s3:PutObject", reason=CROSSED[0])

    def get(self, bucket: str, key: str) -> bytes | None:
        with translated("s3:GetObject"):
            try:
                return self._s3.get_object(Bucket=bucket, Key=key)["Body"].read()
            except ClientError as error:
                if reason_of(error) == "NoSuchKey":
                    return None
                raise

    def list(self, bucket: str, prefix: str) -> tuple[str, ...]:
        with translated("s3:ListBucket"):
            return tuple(key for page in self._pages(bucket, prefix) for key in _keys(page))

    def delete(self, bucket: str, prefix: str) -> None:
        with translated("s3:DeleteObject"):
            for page in self._pages(bucket, prefix):
                keys = _keys(page)
                if keys:
                    self._delete_batch(bucket, keys)

    def _put_unless_there(self, bucket: str, key: str, data: bytes) -> bool | None:
        try:
            self._s3.put_object(Bucket=bucket, Key=key, Body=data, IfNoneMatch="*")
        except ClientError as error:
            if reason_of(error) in EXISTS:
                return False
            if reason_of(error) in CROSSED:
                return None
            raise
        return True

    def _pages(self, bucket: str, prefix: str) -> Iterator[ListObjectsV2OutputTypeDef]:
        """Up to 1,000 keys each, which is also the most that one DeleteObjects takes."""
        return iter(self._s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix))

    def _delete_batch(self, bucket: str, keys: tuple[str, ...]) -> None:
        answer = self._s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": key} for key in keys], "Quiet": True})
        # DeleteObjects answers 200 and lists what it could not delete.
        for failed in answer.get("Errors", ()):
            raise AwsRefused(
                f"s3:DeleteObject: {failed.get('Key')} stays: {failed.get('Message')}", operation="s3:DeleteObject",
                reason=failed.get("Code", ""),
            )  # fmt: skip


def _keys(page: ListObjectsV2OutputTypeDef) -> tuple[str, ...]:
    return tuple(found["Key"] for found in page.get("Contents", ()))
