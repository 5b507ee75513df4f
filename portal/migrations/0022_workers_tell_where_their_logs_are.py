from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('portal', '0021_platforms_say_which_workers_they_gave_up'),
    ]

    operations = [
        migrations.AddField(
            model_name='worker',
            name='log_stream',
            field=models.CharField(
                blank=True, default='', help_text="Of its platform's logs, where it told it.", max_length=300
            ),
        ),
    ]
