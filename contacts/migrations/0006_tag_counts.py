"""Kept counts of tags: triggers write what each statement changed (scrm.core.tallies)."""

import django.db.models.deletion
from django.db import migrations, models

FORWARD = """
CREATE FUNCTION contacts_tagging_counted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO contacts_tagcount (tag_id, n, last_at, folded)
        SELECT tag_id, count(*), max(created_at), false FROM now_is GROUP BY 1;
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO contacts_tagcount (tag_id, n, folded) SELECT tag_id, -count(*), false FROM was GROUP BY 1;
    ELSE
        -- A merge moves rows to another person: the sum is 0 and nothing is written, unless the tag was put on anew.
        INSERT INTO contacts_tagcount (tag_id, n, last_at, folded)
        SELECT tag_id, sum(n), max(created_at) FILTER (WHERE n > 0), false
        FROM (SELECT 1 AS n, tag_id, created_at FROM now_is UNION ALL SELECT -1, tag_id, created_at FROM was) changed
        GROUP BY 1
        HAVING sum(n) <> 0 OR max(created_at) FILTER (WHERE n > 0) > max(created_at) FILTER (WHERE n < 0);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER contacts_tagging_counted_insert AFTER INSERT ON contacts_tagging
    REFERENCING NEW TABLE AS now_is FOR EACH STATEMENT EXECUTE FUNCTION contacts_tagging_counted();
CREATE TRIGGER contacts_tagging_counted_update AFTER UPDATE ON contacts_tagging
    REFERENCING OLD TABLE AS was NEW TABLE AS now_is FOR EACH STATEMENT EXECUTE FUNCTION contacts_tagging_counted();
CREATE TRIGGER contacts_tagging_counted_delete AFTER DELETE ON contacts_tagging
    REFERENCING OLD TABLE AS was FOR EACH STATEMENT EXECUTE FUNCTION contacts_tagging_counted();
INSERT INTO contacts_tagcount (tag_id, n, last_at, folded)
SELECT tag_id, count(*), max(created_at), true FROM contacts_tagging GROUP BY 1;
"""
BACKWARD = """
DROP TRIGGER contacts_tagging_counted_insert ON contacts_tagging;
DROP TRIGGER contacts_tagging_counted_update ON contacts_tagging;
DROP TRIGGER contacts_tagging_counted_delete ON contacts_tagging;
DROP FUNCTION contacts_tagging_counted();
"""


class Migration(migrations.Migration):

    dependencies = [
        ('contacts', '0005_leads'),
    ]

    operations = [
        migrations.CreateModel(
            name='TagCount',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('n', models.BigIntegerField()),
                ('last_at', models.DateTimeField(null=True)),
                ('folded', models.BooleanField(default=False)),
                ('tag', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='counts', to='contacts.tag')),
            ],
            options={
                'indexes': [models.Index(fields=['tag'], name='tagcount_sum'), models.Index(condition=models.Q(('folded', False)), fields=['id'], name='tagcount_fresh')],
            },
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
