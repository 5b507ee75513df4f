"""Credentials of a role, as ECS and EC2 hand them to what runs there: with IAM on, a real session that may what the role may."""

from __future__ import annotations

import hashlib
import secrets
import time

from ministack.core.responses import get_account_id
from ministack.services import sts

from infra_gen.emulator.place import PLACE

LASTS_SECONDS = 3600


def of_role(role_arn: str, session: str) -> dict[str, str]:
    """Without IAM the access key is the account's number, which ministack takes as that account's root."""
    expires = time.time() + LASTS_SECONDS
    document = {
        "AccessKeyId": get_account_id(),
        "SecretAccessKey": "test",
        "Token": "emulator",
        "Expiration": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(expires)),
        "RoleArn": role_arn,
    }
    if PLACE.auth and role_arn:
        document |= _session(role_arn, session, expires)
    return document


def _session(role_arn: str, session: str, expires: float) -> dict[str, str]:
    account, role = role_arn.split(":")[4], role_arn.rsplit("/", 1)[-1]
    key = "ASIA" + hashlib.sha256(f"{role_arn} {session} {expires}".encode()).hexdigest()[:16].upper()
    secret, token = secrets.token_urlsafe(30), secrets.token_urlsafe(60)
    sts.register_session(
        key,
        {
            "Arn": f"arn:aws:sts::{account}:assumed-role/{role}/{session}",
            "UserId": f"{role}:{session}",
            "SecretAccessKey": secret,
            "SessionToken": token,
            "Expiration": expires,
        },
    )
    return {"AccessKeyId": key, "SecretAccessKey": secret, "Token": token}
