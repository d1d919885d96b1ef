"""A loaded database, made by SQL with a seed: what a company has after half a year."""

from datetime import UTC, datetime

from django.db import connection

from contacts.log import partitions

NOW = datetime(2026, 6, 30, 12, tzinfo=UTC)
DAYS = 180

CITIES = "(ARRAY['杭州','上海','北京','广州','深圳','成都','南京','武汉','西安',''])"
STAGES = "(ARRAY['public','public','prospect','prospect','lead','new','repeat','loyal','at_risk','lost'])"
KINDS = (
    "(ARRAY['page_viewed','page_viewed','page_viewed','page_viewed','page_viewed','page_viewed','product_viewed',"
    "'product_viewed','product_viewed','message_in','message_in','message_sent','message_sent','message_opened',"
    "'message_clicked','form_submitted','menu_clicked','followed','scanned','coupon_issued'])"
)


def load(contacts: int, events: int) -> None:
    """Contacts with an openid each, half with an e-mail; events over 180 days before NOW, skewed so that few have many."""
    months = {partitions.month_of(NOW) - n for n in range(8)} | {partitions.month_of(NOW) + 1}
    partitions.ensure(months)
    with connection.cursor() as cursor:
        cursor.execute("SET synchronous_commit = off; SELECT setseed(0.42)")
        cursor.execute(
            "INSERT INTO contacts_contact (name, name_grams, known, stage, stage_since, time_zone, language, region, city,"
            " attributes, source_kind, source_label, source_account_id, first_seen_at, last_seen_at, event_count, order_count,"
            " order_total, last_order_at, first_order_at, version, created_at)"
            f" SELECT 'Customer ' || n, ARRAY['C','u','Cu'], n %% 10 > 2, {STAGES}[1 + n %% 10],"
            f" %(now)s - random() * interval '90 days',"
            f" '', CASE n / 7 %% 5 WHEN 0 THEN 'en' ELSE 'zh' END, '', {CITIES}[1 + n / 3 %% 10],"
            " jsonb_build_object('size', 36 + n %% 10), (ARRAY['web','qr_scene','oa','import'])[1 + n %% 4], '', 1,"
            " %(now)s - interval '200 days', %(now)s - random() * interval '180 days', 10,"
            " CASE WHEN n / 2 %% 4 = 0 THEN n %% 7 ELSE 0 END, CASE WHEN n / 2 %% 4 = 0 THEN n %% 900 ELSE 0 END,"
            " CASE WHEN n / 2 %% 4 = 0 THEN %(now)s - random() * interval '300 days' END, NULL, 1,"
            " %(now)s - random() * interval '200 days' FROM generate_series(1, %(contacts)s) n",
            {"now": NOW, "contacts": contacts},
        )
        for kind, step in (("openid", 1), ("email", 2)):
            cursor.execute(
                "INSERT INTO contacts_identity (contact_id, kind, scope, index, index_key, value, hint, trust, evidence,"
                " reachable, first_seen_at, last_seen_at)"
                " SELECT n, %s, 0, gen_random_uuid(), 1, decode(repeat('ab', 60), 'hex'), 'oAbC…9xYz', 2, '{}', n %% 11 > 0, %s, %s"
                " FROM generate_series(1, %s, %s) n",
                [kind, NOW, NOW, contacts, step],
            )
        cursor.execute(
            'INSERT INTO contacts_tag (name, "group", description, created_at)'
            " SELECT 'tag ' || n, '', '', %s FROM generate_series(1, 20) n",
            [NOW],
        )
        cursor.execute(
            "INSERT INTO contacts_tagging (contact_id, tag_id, source, confidence, created_at)"
            " SELECT c, (SELECT min(id) FROM contacts_tag) + t, 'manual', 1, %s"
            " FROM generate_series(1, %s) c, generate_series(0, 19) t WHERE (c * 31 + t * 17) %% 97 < 8",
            [NOW, contacts],
        )
        cursor.execute(
            "INSERT INTO contacts_consent (contact_id, channel, purpose, state, proof, changed_at)"
            " SELECT n, 'email', 'marketing', (ARRAY['granted','granted','withdrawn','pending'])[1 + n %% 4], '{}', %s"
            " FROM generate_series(1, %s, 2) n",
            [NOW, contacts],
        )
        _events(cursor, contacts, events)
        for table in ("contact", "identity", "tagging", "consent", "event"):
            cursor.execute(f"ANALYZE contacts_{table}")
        cursor.execute("SET synchronous_commit = on; CHECKPOINT")


def _events(cursor, contacts: int, events: int) -> None:
    at_once = 500_000
    for done in range(0, events, at_once):
        number = min(at_once, events - done)
        cursor.execute(
            "INSERT INTO contacts_event (id, contact_id, identity_id, kind, channel, account_id, occurred_at, recorded_at,"
            " local_date, properties)"
            " SELECT nextval('contacts_event_id_seq'), contact, contact, kind, 'web', 1, at, at,"
            " (at AT TIME ZONE 'Asia/Shanghai')::date, jsonb_build_object('category', (ARRAY['running-shoes','shirts','socks',"
            " 'jackets','watches'])[1 + contact %% 5], 'price', (contact %% 40) * 25, 'path', '/p/' || contact %% 500)"
            f" FROM (SELECT 1 + floor(power(random(), 1.6) * %s)::bigint AS contact,"
            f" {KINDS}[1 + floor(random() * 20)::int] AS kind,"
            "   %s - random() * interval '180 days' AS at FROM generate_series(1, %s)) made",
            [contacts, NOW, number],
        )
