from django.db import migrations


class Migration(migrations.Migration):
    """Raw bodies are compressed already: Postgres shall not try again, only move them out of the row."""

    dependencies = [("channels_ingest", "0001_initial")]

    operations = [
        migrations.RunSQL(
            "ALTER TABLE channels_ingest_delivery ALTER COLUMN raw SET STORAGE EXTERNAL",
            "ALTER TABLE channels_ingest_delivery ALTER COLUMN raw SET STORAGE EXTENDED",
        ),
    ]
