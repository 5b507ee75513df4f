"""The door to whole buckets: made private, filled with files, and emptied to the last version. Raises AwsError only."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any  # Any: policy documents and answers, as plain data

from botocore.exceptions import ClientError

from portal.aws.errors import AwsRefused, reason_of, translated

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

MISSING = ("404", "NoSuchBucket", "NotFound", "NoSuchKey")
US_EAST_1 = "us-east-1"
"""The one region that S3 does not let name itself."""


class BucketDoor:
    def __init__(self, s3: S3Client) -> None:
        self._s3 = s3

    @property
    def base_url(self) -> str:
        """Before the bucket's name in path style, which CloudFormation and emulators both understand."""
        return str(self._s3.meta.endpoint_url).rstrip("/")

    def exists(self, bucket: str) -> bool:
        return self._is_there("s3:ListBucket", lambda: self._s3.head_bucket(Bucket=bucket))

    def has(self, bucket: str, key: str) -> bool:
        return self._is_there("s3:GetObject", lambda: self._s3.head_object(Bucket=bucket, Key=key))

    def create(self, bucket: str, *, tags: dict[str, str]) -> None:
        """Private, encrypted, and for TLS only. Repeating it is harmless."""
        region = self._s3.meta.region_name
        where: Any = {} if region == US_EAST_1 else {"CreateBucketConfiguration": {"LocationConstraint": region}}
        with translated("s3:CreateBucket"):
            try:
                self._s3.create_bucket(Bucket=bucket, **where)
            except ClientError as error:
                if reason_of(error) != "BucketAlreadyOwnedByYou":
                    raise
        with translated("s3:PutBucketPublicAccessBlock"):
            self._s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration={
                "BlockPublicAcls": True, "IgnorePublicAcls": True, "BlockPublicPolicy": True, "RestrictPublicBuckets": True,
            })  # fmt: skip
        with translated("s3:PutBucketTagging"):
            pairs: Any = [{"Key": key, "Value": value} for key, value in tags.items()]
            self._s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": pairs})

    def upload(self, bucket: str, key: str, source: Path | bytes) -> None:
        with translated("s3:PutObject"):
            if isinstance(source, bytes):
                self._s3.put_object(Bucket=bucket, Key=key, Body=source)
            else:
                self._s3.upload_file(str(source), bucket, key)

    def empty(self, bucket: str) -> int:
        """Removes unfinished uploads, and every version and delete marker; how many objects went. A missing bucket is empty."""
        if not self.exists(bucket):
            return 0
        self._abort_uploads(bucket)
        return sum(self._delete_batch(bucket, batch) for batch in self._versions(bucket))

    def remove(self, bucket: str) -> None:
        with translated("s3:DeleteBucket"):
            self._s3.delete_bucket(Bucket=bucket)

    def _is_there(self, operation: str, look: Any) -> bool:
        with translated(operation):
            try:
                look()
            except ClientError as error:
                if reason_of(error) in MISSING:
                    return False
                raise
        return True

    def _abort_uploads(self, bucket: str) -> None:
        with translated("s3:AbortMultipartUpload"):
            for page in self._s3.get_paginator("list_multipart_uploads").paginate(Bucket=bucket):
                for upload in page.get("Uploads", ()):
                    self._s3.abort_multipart_upload(Bucket=bucket, Key=upload["Key"], UploadId=upload["UploadId"])

    def _versions(self, bucket: str) -> Iterator[list[dict[str, str]]]:
        """In batches of up to 1,000, which is the most one DeleteObjects takes. Read whole first: they are being deleted."""
        found: list[dict[str, str]] = []
        with translated("s3:ListBucketVersions"):
            for page in self._s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
                for one in (*page.get("Versions", ()), *page.get("DeleteMarkers", ())):
                    found.append({"Key": one["Key"], "VersionId": one["VersionId"]})
        for start in range(0, len(found), 1000):
            yield found[start : start + 1000]

    def _delete_batch(self, bucket: str, batch: list[dict[str, str]]) -> int:
        with translated("s3:DeleteObjectVersion"):
            objects: Any = batch
            answer = self._s3.delete_objects(Bucket=bucket, Delete={"Objects": objects, "Quiet": True})
        for failed in answer.get("Errors", ()):
            raise AwsRefused(
                f"s3:DeleteObjectVersion: {failed.get('Key')} stays: {failed.get('Message')}",
                operation="s3:DeleteObjectVersion", reason=failed.get("Code", ""),
            )  # fmt: skip
        return len(batch)
