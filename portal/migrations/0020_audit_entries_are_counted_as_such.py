from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('portal', '0019_workers_follow_each_other_in_slices'),
    ]

    operations = [
        migrations.AlterModelOptions(
            name='auditentry',
            options={'ordering': ('-at', '-id'), 'verbose_name': 'audit entry', 'verbose_name_plural': 'audit entries'},
        ),
    ]
