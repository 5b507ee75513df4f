"""Makes the groups of the roles. Who could stop runs still can, and tokens made before roles keep working."""

from django.db import migrations
from django.db.models import Q

# The one table of roles, not a copy of it: permissions of models that do not exist yet are left out,
# and a later migration that adds some calls this again.
from portal.models.roles import grant_roles


def add_roles(apps, schema_editor):
    grant_roles(apps)
    permissions = apps.get_model("auth", "Permission").objects
    groups = apps.get_model("auth", "Group").objects
    keep_stopping(apps, permissions)
    keep_tokens_working(apps, groups)


def keep_stopping(apps, permissions):
    """Stopping had no permission of its own: whoever could change runs could stop them."""
    stop = permissions.filter(content_type__app_label="portal", codename="stop_run").first()
    old = Q(content_type__app_label="portal", codename="change_run")
    for permission in permissions.filter(old):
        for user in permission.user_set.all():
            user.user_permissions.add(stop)
        for group in permission.group_set.all():
            group.permissions.add(stop)


def keep_tokens_working(apps, groups):
    """A token used to do all the API could, whoever its user was: that is the role of a runner."""
    runner = groups.get(name="runner")
    for user in apps.get_model("auth", "User").objects.filter(api_tokens__isnull=False, is_superuser=False).distinct():
        user.groups.add(runner)


class Migration(migrations.Migration):
    dependencies = [
        ("portal", "0004_tokens_have_scopes_and_environments"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]
    operations = [migrations.RunPython(add_roles, migrations.RunPython.noop)]
