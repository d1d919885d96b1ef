from django.db import migrations

from scrm.core.roles import BUILT_IN

NEW = {
    "orders.view", "leads.work", "leads.manage", "service.work", "service.manage", "analytics.edit",
}  # fmt: skip


def widen(apps, schema_editor) -> None:
    """The built-in roles get what came with orders, the service desk and leads; nothing an administrator took is given back."""
    for role in apps.get_model("core", "Role").objects.filter(key__in=BUILT_IN):
        added = [p for p in BUILT_IN[role.key]["permissions"] if p in NEW and p not in role.permissions]
        role.permissions = [*role.permissions, *added]
        role.save(update_fields=["permissions"])


def narrow(apps, schema_editor) -> None:
    for role in apps.get_model("core", "Role").objects.all():
        role.permissions = [p for p in role.permissions if p not in NEW]
        role.save(update_fields=["permissions"])


class Migration(migrations.Migration):
    dependencies = [("core", "0002_roles")]
    operations = [migrations.RunPython(widen, narrow)]
