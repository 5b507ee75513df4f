from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('portal', '0022_workers_tell_where_their_logs_are'),
    ]

    operations = [
        migrations.AddField(
            model_name='worker',
            name='relief',
            field=models.CharField(blank=True, choices=[('', 'first or replacement'), ('asked', 'asked'), ('begun', 'begun'), ('off', 'called off')], default='', help_text='Whether it goes on for a worker that makes the load until then, and how that stands.', max_length=10),
        ),
    ]
