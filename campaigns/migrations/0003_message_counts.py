"""Kept counts of the ledger: triggers write what each statement changed (scrm.core.tallies)."""

from django.db import migrations, models

FORWARD = """
CREATE FUNCTION campaigns_message_counted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO campaigns_messagecount (origin, origin_id, state, reason, n, opened, clicked, folded)
        SELECT origin, origin_id, CASE WHEN state IN ('leased', 'attempting') THEN 'queued' ELSE state END, reason,
            count(*), count(opened_at), count(clicked_at), false
        FROM now_is GROUP BY 1, 2, 3, 4;
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO campaigns_messagecount (origin, origin_id, state, reason, n, opened, clicked, folded)
        SELECT origin, origin_id, CASE WHEN state IN ('leased', 'attempting') THEN 'queued' ELSE state END, reason,
            -count(*), -count(opened_at), -count(clicked_at), false
        FROM was GROUP BY 1, 2, 3, 4;
    ELSE
        INSERT INTO campaigns_messagecount (origin, origin_id, state, reason, n, opened, clicked, folded)
        SELECT origin, origin_id, CASE WHEN state IN ('leased', 'attempting') THEN 'queued' ELSE state END, reason,
            sum(n), coalesce(sum(n) FILTER (WHERE opened_at IS NOT NULL), 0),
            coalesce(sum(n) FILTER (WHERE clicked_at IS NOT NULL), 0), false
        FROM (SELECT 1 AS n, origin, origin_id, state, reason, opened_at, clicked_at FROM now_is
            UNION ALL SELECT -1, origin, origin_id, state, reason, opened_at, clicked_at FROM was) changed
        GROUP BY 1, 2, 3, 4
        HAVING sum(n) <> 0 OR sum(n) FILTER (WHERE opened_at IS NOT NULL) <> 0 OR sum(n) FILTER (WHERE clicked_at IS NOT NULL) <> 0;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER campaigns_message_counted_insert AFTER INSERT ON campaigns_message
    REFERENCING NEW TABLE AS now_is FOR EACH STATEMENT EXECUTE FUNCTION campaigns_message_counted();
CREATE TRIGGER campaigns_message_counted_update AFTER UPDATE ON campaigns_message
    REFERENCING OLD TABLE AS was NEW TABLE AS now_is FOR EACH STATEMENT EXECUTE FUNCTION campaigns_message_counted();
CREATE TRIGGER campaigns_message_counted_delete AFTER DELETE ON campaigns_message
    REFERENCING OLD TABLE AS was FOR EACH STATEMENT EXECUTE FUNCTION campaigns_message_counted();
INSERT INTO campaigns_messagecount (origin, origin_id, state, reason, n, opened, clicked, folded)
SELECT origin, origin_id, CASE WHEN state IN ('leased', 'attempting') THEN 'queued' ELSE state END, reason,
    count(*), count(opened_at), count(clicked_at), true
FROM campaigns_message GROUP BY 1, 2, 3, 4;
"""
BACKWARD = """
DROP TRIGGER campaigns_message_counted_insert ON campaigns_message;
DROP TRIGGER campaigns_message_counted_update ON campaigns_message;
DROP TRIGGER campaigns_message_counted_delete ON campaigns_message;
DROP FUNCTION campaigns_message_counted();
"""


class Migration(migrations.Migration):

    dependencies = [
        ('campaigns', '0002_deliveryreport'),
    ]

    operations = [
        migrations.CreateModel(
            name='MessageCount',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('origin', models.CharField(max_length=10)),
                ('origin_id', models.BigIntegerField()),
                ('state', models.CharField(max_length=10)),
                ('reason', models.CharField(blank=True, max_length=20)),
                ('n', models.BigIntegerField()),
                ('opened', models.BigIntegerField()),
                ('clicked', models.BigIntegerField()),
                ('folded', models.BooleanField(default=False)),
            ],
            options={
                'indexes': [models.Index(fields=['origin', 'origin_id'], name='messagecount_sum'), models.Index(condition=models.Q(('folded', False)), fields=['id'], name='messagecount_fresh')],
            },
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
