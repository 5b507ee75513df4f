"""Signatures of a gateway that were taken, for as long as they could be taken again. In the database, because several
processes answer."""

from __future__ import annotations

from django.db import connection, models

# One statement, so that of two equal calls at once one process wins. Both databases know it.
_TAKE = "INSERT INTO portal_usedsignature (signature, until) VALUES (%s, %s) ON CONFLICT (signature) DO NOTHING"


class UsedSignatureManager(models.Manager["UsedSignature"]):
    def take(self, signature: str, until: int) -> bool:
        """False when it was taken before. Costs the same however many there are."""
        with connection.cursor() as cursor:
            cursor.execute(_TAKE, (signature, until))
            return bool(cursor.rowcount == 1)


class UsedSignature(models.Model):
    signature = models.CharField(primary_key=True, max_length=100)
    until = models.BigIntegerField(db_index=True, help_text="The unix second after which it is too old by itself.")

    objects = UsedSignatureManager()

    def __str__(self) -> str:
        return self.signature[:12]
