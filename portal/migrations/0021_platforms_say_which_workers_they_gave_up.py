from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('portal', '0020_audit_entries_are_counted_as_such'),
    ]

    operations = [
        migrations.AddField(
            model_name='worker',
            name='failure',
            field=models.TextField(blank=True, default='', help_text='Why its platform gave it up, where it said so.'),
        ),
        migrations.AddField(
            model_name='worker',
            name='failed_at',
            field=models.DateTimeField(help_text="When that was, by the platform's clock.", null=True),
        ),
    ]
