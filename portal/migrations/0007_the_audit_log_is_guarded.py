"""Lets admins read the audit log, and has PostgreSQL refuse what would change it. (TRUNCATE stays: tests empty tables.)"""

from django.db import migrations

from portal.models.roles import grant_roles

TRIGGER = """
CREATE FUNCTION portal_audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'The audit log can only be added to.'; END $$;
CREATE TRIGGER portal_audit_is_append_only BEFORE UPDATE OR DELETE ON portal_auditentry
FOR EACH ROW EXECUTE FUNCTION portal_audit_is_append_only();
"""
NO_TRIGGER = """
DROP TRIGGER portal_audit_is_append_only ON portal_auditentry;
DROP FUNCTION portal_audit_is_append_only();
"""


def guard(apps, schema_editor):
    # SQLite has triggers too, but tests with real transactions empty its tables by DELETE.
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(TRIGGER)


def unguard(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(NO_TRIGGER)


def let_admins_read(apps, schema_editor):
    grant_roles(apps)


class Migration(migrations.Migration):
    dependencies = [("portal", "0006_an_audit_log_is_kept")]
    operations = [
        migrations.RunPython(guard, unguard),
        migrations.RunPython(let_admins_read, migrations.RunPython.noop),
    ]
