"""Run stores: the only place where controller and workers meet. `open_store` takes the URL both are given.

`file:///var/lib/knopfdruck`, `s3://bucket/prefix?region=eu-central-1&endpoint_url=http://127.0.0.1:4566`, `memory:`
(a new, empty one each time). boto3 is imported only for an s3 URL: an agent on a laptop does without it.
"""

from __future__ import annotations

from pathlib import Path
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from portal.core.ports import ObjectStore
from portal.stores.filesystem import FilesystemStore
from portal.stores.memory import MemoryStore

FORMS = "Use file:///absolute/path, s3://bucket/prefix or memory: as the address of the run store."
S3_OPTIONS = frozenset({"endpoint_url", "region", "profile", "role_arn", "external_id"})


def open_store(url: str) -> ObjectStore:
    """Touches neither disk nor network. Raises ValueError with a sentence when `url` is none of the three forms, and
    StoreUnavailable where this machine has no such profile or credentials."""
    parts = urlsplit(url)
    if url == "memory:":
        return MemoryStore()
    if parts.scheme == "file":
        return _filesystem(url, parts)
    if parts.scheme == "s3":
        return _s3(url, parts)
    raise ValueError(f"{url!r} is not the address of a run store. {FORMS}")


def _filesystem(url: str, parts: SplitResult) -> ObjectStore:
    path = unquote(parts.path)
    if parts.netloc or parts.query or parts.fragment or not path.startswith("/"):
        raise ValueError(f"{url!r} does not name an absolute path. {FORMS}")
    return FilesystemStore(Path(path))


def _s3(url: str, parts: SplitResult) -> ObjectStore:
    try:
        options = dict(parse_qsl(parts.query, strict_parsing=True)) if parts.query else {}
    except ValueError as error:
        raise ValueError(f"The options of {url!r} cannot be read: {error}.") from error
    unknown = ", ".join(sorted(set(options) - S3_OPTIONS))
    if not parts.netloc or "@" in parts.netloc or parts.fragment or unknown:
        about = f"unknown: {unknown}; known: {', '.join(sorted(S3_OPTIONS))}" if unknown else FORMS
        raise ValueError(f"{url!r} is not the address of a bucket ({about}).")
    endpoint = options.get("endpoint_url", "")
    if endpoint and urlsplit(endpoint).scheme not in ("http", "https"):
        raise ValueError(f"{endpoint!r} is not an endpoint_url: give http://host:port or https://host.")

    from portal.aws.s3 import S3Door
    from portal.aws.session import client
    from portal.stores.s3 import S3Store, translated

    with translated():
        s3 = client(
            "s3", region=options.get("region", ""), endpoint_url=endpoint, profile=options.get("profile", ""),
            role_arn=options.get("role_arn", ""), external_id=options.get("external_id", ""),
        )  # fmt: skip
    return S3Store(parts.netloc, unquote(parts.path), S3Door(s3))
