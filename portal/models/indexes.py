"""Indexes for one database only."""

from __future__ import annotations

from typing import Any  # Any: Django's own arguments

from django.db import models
from django.db.backends.ddl_references import Statement


class SqliteIndex(models.Index):
    """Made in SQLite. It stands in the model, because SQLite's tables are made anew by later migrations, with the indexes
    that the model knows of."""

    def create_sql(self, model: Any, schema_editor: Any, using: str = "", **kwargs: Any) -> Statement:
        if schema_editor.connection.vendor == "sqlite":
            return super().create_sql(model, schema_editor, using, **kwargs)
        return Statement("SELECT 1")
