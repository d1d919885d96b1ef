from django.db import migrations

from scrm.core.roles import seed


def add_roles(apps, schema_editor) -> None:
    seed(apps.get_model("core", "Role"))


class Migration(migrations.Migration):
    dependencies = [("core", "0001_initial")]
    operations = [migrations.RunPython(add_roles, migrations.RunPython.noop)]
