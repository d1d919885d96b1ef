"""Kept counts of enrolments: triggers write what each statement changed (scrm.core.tallies)."""

import django.db.models.deletion
from django.db import migrations, models

FORWARD = """
CREATE FUNCTION journeys_enrolment_counted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO journeys_enrolmentcount (journey_id, version_id, n, inside, converted, folded)
        SELECT journey_id, version_id, count(*), count(*) FILTER (WHERE state IN ('active', 'waiting')), count(converted_at), false
        FROM now_is GROUP BY 1, 2;
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO journeys_enrolmentcount (journey_id, version_id, n, inside, converted, folded)
        SELECT journey_id, version_id, -count(*), -count(*) FILTER (WHERE state IN ('active', 'waiting')), -count(converted_at), false
        FROM was GROUP BY 1, 2;
    ELSE
        -- Who only moves from step to step changes nothing here.
        INSERT INTO journeys_enrolmentcount (journey_id, version_id, n, inside, converted, folded)
        SELECT journey_id, version_id, sum(n), sum(inside), sum(converted), false
        FROM (SELECT journey_id, version_id, count(*) AS n, count(*) FILTER (WHERE state IN ('active', 'waiting')) AS inside,
                count(converted_at) AS converted FROM now_is GROUP BY 1, 2
            UNION ALL SELECT journey_id, version_id, -count(*), -count(*) FILTER (WHERE state IN ('active', 'waiting')),
                -count(converted_at) FROM was GROUP BY 1, 2) changed
        GROUP BY 1, 2 HAVING sum(n) <> 0 OR sum(inside) <> 0 OR sum(converted) <> 0;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER journeys_enrolment_counted_insert AFTER INSERT ON journeys_enrolment
    REFERENCING NEW TABLE AS now_is FOR EACH STATEMENT EXECUTE FUNCTION journeys_enrolment_counted();
CREATE TRIGGER journeys_enrolment_counted_update AFTER UPDATE ON journeys_enrolment
    REFERENCING OLD TABLE AS was NEW TABLE AS now_is FOR EACH STATEMENT EXECUTE FUNCTION journeys_enrolment_counted();
CREATE TRIGGER journeys_enrolment_counted_delete AFTER DELETE ON journeys_enrolment
    REFERENCING OLD TABLE AS was FOR EACH STATEMENT EXECUTE FUNCTION journeys_enrolment_counted();
INSERT INTO journeys_enrolmentcount (journey_id, version_id, n, inside, converted, folded)
SELECT journey_id, version_id, count(*), count(*) FILTER (WHERE state IN ('active', 'waiting')), count(converted_at), true
FROM journeys_enrolment GROUP BY 1, 2;
"""
BACKWARD = """
DROP TRIGGER journeys_enrolment_counted_insert ON journeys_enrolment;
DROP TRIGGER journeys_enrolment_counted_update ON journeys_enrolment;
DROP TRIGGER journeys_enrolment_counted_delete ON journeys_enrolment;
DROP FUNCTION journeys_enrolment_counted();
"""


class Migration(migrations.Migration):

    dependencies = [
        ('journeys', '0002_trail'),
    ]

    operations = [
        migrations.CreateModel(
            name='EnrolmentCount',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('n', models.BigIntegerField()),
                ('inside', models.BigIntegerField()),
                ('converted', models.BigIntegerField()),
                ('folded', models.BooleanField(default=False)),
                ('journey', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='people', to='journeys.journey')),
                ('version', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='people', to='journeys.version')),
            ],
            options={
                'indexes': [models.Index(fields=['journey'], name='enrolmentcount_sum'), models.Index(condition=models.Q(('folded', False)), fields=['id'], name='enrolmentcount_fresh')],
            },
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
