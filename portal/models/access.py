"""API tokens: shown once, stored as a digest, found by their public part."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from datetime import timedelta

from django.conf import settings
from django.db import models
from django.utils import timezone

from portal.core.access import USUAL_SCOPES
from portal.models.environment import Environment

PREFIX = "kd"
USED_EVERY = timedelta(minutes=1)


def usual_scopes() -> list[str]:
    return [str(scope) for scope in USUAL_SCOPES]


class ApiToken(models.Model):
    name = models.CharField(max_length=100, help_text="Who or what uses it.")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_tokens")
    public_id = models.CharField(max_length=20, unique=True, editable=False)
    digest = models.CharField(max_length=64, editable=False)
    scopes = models.JSONField(default=usual_scopes, help_text="What it may do, as far as its user may.")
    everywhere = models.BooleanField("all environments", default=True, help_text="Also those to come.")
    environments = models.ManyToManyField(Environment, blank=True, help_text="Where it works, if not everywhere.")
    created = models.DateTimeField(auto_now_add=True)
    expires = models.DateTimeField(null=True, blank=True)
    revoked = models.BooleanField(default=False)
    last_used = models.DateTimeField(null=True, editable=False)

    class Meta:
        ordering = ("-created",)
        verbose_name = "API token"

    def __str__(self) -> str:
        return f"{self.name} ({PREFIX}_{self.public_id}_…)"

    def renew(self) -> str:
        """Gives the unsaved row a new secret and returns the whole token: the only time it can be seen."""
        self.public_id = secrets.token_hex(5)
        token = f"{PREFIX}_{self.public_id}_{secrets.token_urlsafe(32)}"
        self.digest = hashlib.sha256(token.encode()).hexdigest()
        return token

    def is_valid(self) -> bool:
        return not self.revoked and (self.expires is None or self.expires > timezone.now()) and self.user.is_active

    def environment_names(self) -> tuple[str, ...] | None:
        """None: everywhere. A limited token whose environments are all gone works nowhere."""
        return None if self.everywhere else tuple(self.environments.values_list("name", flat=True))


def find_token(token: str) -> ApiToken | None:
    """The valid token with this secret; notes its use at most once a minute."""
    parts = token.split("_", 2)
    if len(parts) != 3 or parts[0] != PREFIX or len(token) > 200:
        return None
    row = ApiToken.objects.select_related("user").filter(public_id=parts[1]).first()
    given = hashlib.sha256(token.encode()).hexdigest()
    if row is None or not hmac.compare_digest(row.digest, given) or not row.is_valid():
        return None
    now = timezone.now()
    if row.last_used is None or now - row.last_used > USED_EVERY:
        ApiToken.objects.filter(pk=row.pk).update(last_used=now)
    return row
