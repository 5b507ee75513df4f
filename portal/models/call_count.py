"""How many calls of the API a caller made in the current minute. In the database, because several processes count."""

from __future__ import annotations

from django.db import connection, models

# One statement, so that no call is lost between processes. Both databases know it.
_COUNT = """
INSERT INTO portal_callcount (caller, minute, calls) VALUES (%s, %s, 1)
ON CONFLICT (caller) DO UPDATE SET
  calls = CASE WHEN portal_callcount.minute = excluded.minute THEN portal_callcount.calls + 1 ELSE 1 END,
  minute = excluded.minute
RETURNING calls
"""


class CallCountManager(models.Manager["CallCount"]):
    def add(self, caller: str, minute: int) -> int:
        """Adds a call and says how many there are in this minute."""
        with connection.cursor() as cursor:
            cursor.execute(_COUNT, (caller[:200], minute))
            return int(cursor.fetchone()[0])


class CallCount(models.Model):
    caller = models.CharField(primary_key=True, max_length=200)
    minute = models.BigIntegerField()
    calls = models.PositiveIntegerField()

    objects = CallCountManager()

    def __str__(self) -> str:
        return f"{self.caller}: {self.calls}"
