"""An index of what a search looks at: in SQLite by columns, in PostgreSQL by trigrams of the notes."""

import logging

from django.db import DatabaseError, migrations, transaction

import portal.models.indexes

log = logging.getLogger("portal.migrations")
EXTENSION = "CREATE EXTENSION IF NOT EXISTS pg_trgm"
INDEX = "CREATE INDEX IF NOT EXISTS run_note_trigrams ON portal_run USING gin (UPPER(note) gin_trgm_ops)"


def index_notes(apps, schema_editor):
    connection = schema_editor.connection
    if connection.vendor != "postgresql":
        return
    try:
        # A savepoint: where the extension may not be made, searches read all runs and everything else is as it is.
        with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
            cursor.execute(EXTENSION)
            cursor.execute(INDEX)
    except DatabaseError as error:
        log.warning("searches_are_slow: %s To mend it, as a superuser: %s; %s;", str(error).strip(), EXTENSION, INDEX)


def drop_index(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("DROP INDEX IF EXISTS run_note_trigrams")


class Migration(migrations.Migration):
    dependencies = [("portal", "0014_environments_have_a_place_in_aws")]
    operations = [
        migrations.AddIndex(
            model_name="run",
            index=portal.models.indexes.SqliteIndex(fields=["-created", "-id", "version", "note"], name="run_searched"),
        ),
        migrations.RunPython(index_notes, drop_index),
    ]
