"""The event log. Monthly partitions of contacts_event are made on demand by contacts.partitions, for any year."""

import django.db.models.deletion
from django.db import migrations, models

FORWARD = """
CREATE SEQUENCE contacts_event_id_seq AS bigint CACHE 1;

CREATE TABLE contacts_event (
    id bigint NOT NULL,
    contact_id bigint NOT NULL,
    identity_id bigint,
    kind text NOT NULL,
    channel text NOT NULL,
    account_id bigint NOT NULL DEFAULT 0,
    occurred_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL,
    local_date date NOT NULL,
    properties jsonb NOT NULL DEFAULT '{}'
) PARTITION BY RANGE (occurred_at);
CREATE INDEX contacts_event_timeline ON contacts_event (contact_id, occurred_at DESC);
CREATE INDEX contacts_event_kind ON contacts_event (kind, occurred_at, contact_id);
CREATE INDEX contacts_event_id ON contacts_event (id);

CREATE TABLE contacts_eventkey (
    key uuid NOT NULL PRIMARY KEY,
    account_id bigint NOT NULL,
    recorded_at timestamptz NOT NULL
) PARTITION BY HASH (key);
"""

EVENT_KEY_PARTITIONS = 8
FORWARD += "".join(
    f"CREATE TABLE contacts_eventkey_{n} PARTITION OF contacts_eventkey"
    f" FOR VALUES WITH (MODULUS {EVENT_KEY_PARTITIONS}, REMAINDER {n});\n"
    # Old keys are pruned by age; keys arrive in the order of recorded_at, so a BRIN index is enough and costs nothing.
    f"CREATE INDEX contacts_eventkey_{n}_age ON contacts_eventkey_{n} USING brin (recorded_at);\n"
    for n in range(EVENT_KEY_PARTITIONS)
)
# Tombstones of merges, looked up under the order lock: the index holds them alone.
FORWARD += "CREATE INDEX contact_tombstone ON contacts_contact (id) WHERE merged_into_id IS NOT NULL;\n"
# Acts of people update these rows all the time: with room in the page the update stays there and touches no index.
FORWARD += """
ALTER TABLE contacts_contact SET (fillfactor = 60);
ALTER TABLE contacts_identity SET (fillfactor = 85);
"""

BACKWARD = """
DROP INDEX contact_tombstone;
DROP TABLE contacts_eventkey;
DROP TABLE contacts_event;
DROP SEQUENCE contacts_event_id_seq;
"""


# The tables are made by SQL (Django cannot partition); their state lets the ORM, and the flush of tests, know them.
STATE = [
    migrations.CreateModel(
        name="Event",
        fields=[
            ("id", models.BigIntegerField(primary_key=True, serialize=False)),
            ("identity_id", models.BigIntegerField(null=True)),
            ("kind", models.TextField()),
            ("channel", models.TextField()),
            ("account_id", models.BigIntegerField(default=0)),
            ("occurred_at", models.DateTimeField()),
            ("recorded_at", models.DateTimeField()),
            ("local_date", models.DateField()),
            ("properties", models.JSONField(default=dict)),
            (
                "contact",
                models.ForeignKey(
                    db_constraint=False,
                    db_index=False,
                    on_delete=django.db.models.deletion.DO_NOTHING,
                    related_name="events",
                    to="contacts.contact",
                ),
            ),
        ],
        options={"verbose_name": "event", "db_table": "contacts_event"},
    ),
    migrations.CreateModel(
        name="EventKey",
        fields=[
            ("key", models.UUIDField(primary_key=True, serialize=False)),
            ("account_id", models.BigIntegerField()),
            ("recorded_at", models.DateTimeField()),
        ],
        options={"db_table": "contacts_eventkey"},
    ),
]


class Migration(migrations.Migration):
    dependencies = [("contacts", "0001_initial")]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunSQL(FORWARD, BACKWARD)], state_operations=STATE
        )
    ]
