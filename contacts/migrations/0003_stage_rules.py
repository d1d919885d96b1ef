"""The default stage rules, editable from then on."""

from django.db import migrations

from contacts.stages import seed


def forward(apps, schema_editor):
    seed(apps.get_model("contacts", "StageRule"))


class Migration(migrations.Migration):
    dependencies = [("contacts", "0002_event_log")]

    operations = [migrations.RunPython(forward, migrations.RunPython.noop)]
