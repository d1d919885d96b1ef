"""What was known of an order (paid, how much refunded) in the columns and refunds that orders have now."""

from django.db import migrations

FORWARD = """
UPDATE contacts_order SET terms_at = placed_at, refunded_at = CASE WHEN refunded > 0 THEN placed_at END,
  terms_rank = CASE WHEN total = 0 AND state = 'refunded' THEN 0 ELSE 2 END,
  paid_at = CASE WHEN total = 0 AND state = 'refunded' THEN NULL ELSE placed_at END;
INSERT INTO contacts_refund (order_id, key, amount, at)
  SELECT id, '', CASE WHEN refunded < 999999999999.99 THEN refunded END, placed_at FROM contacts_order
  WHERE refunded > 0 OR state = 'refunded';
UPDATE contacts_order SET state = 'incomplete', refunded = 0, problems = '{incomplete}' WHERE terms_rank = 0;
UPDATE contacts_order o SET
  counts = state IN ('paid', 'part_refunded') AND o.currency = COALESCE(c.currency, o.currency),
  problems = CASE WHEN o.currency <> COALESCE(c.currency, o.currency) THEN '{currency}'::text[] ELSE '{}' END
FROM (SELECT (SELECT currency FROM core_company WHERE id = 1) AS currency) c WHERE terms_rank > 0;
UPDATE contacts_contact SET order_count = t.n, order_total = t.total, first_order_at = t.first, last_order_at = t.last
FROM (SELECT b.contact_id, count(o.id) AS n, COALESCE(sum(o.total - o.refunded), 0) AS total,
    min(o.placed_at) AS first, max(o.placed_at) AS last
  FROM (SELECT DISTINCT contact_id FROM contacts_order WHERE 'currency' = ANY(problems)) b
  LEFT JOIN contacts_order o ON o.contact_id = b.contact_id AND o.counts GROUP BY b.contact_id) t
WHERE contacts_contact.id = t.contact_id;
"""

# Before, there were paid orders and refunds only: what was never paid goes, and comes back by telling it again.
BACKWARD = """
UPDATE contacts_order SET state = 'refunded', refunded = COALESCE((SELECT CASE WHEN bool_or(amount IS NULL)
    THEN 999999999999.99 ELSE sum(GREATEST(amount, 0)) END FROM contacts_refund r WHERE r.order_id = contacts_order.id), 0)
  WHERE terms_rank = 0 AND id IN (SELECT order_id FROM contacts_refund);
DELETE FROM contacts_refund;
DELETE FROM contacts_order WHERE state IN ('incomplete', 'placed');
UPDATE contacts_order SET state = 'refunded', refunded = total WHERE state = 'cancelled';
"""


class Migration(migrations.Migration):
    dependencies = [("contacts", "0007_orders"), ("core", "0004_currency")]

    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
