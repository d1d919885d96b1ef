"""Which promise a ticket is under."""

from django.db import transaction

from scrm.lib import clock
from service_desk.enums import Priority
from service_desk.models import SlaPolicy
from service_desk.models.sla import policy_fields

Policies = dict[tuple[int, str], SlaPolicy]


def current() -> Policies:
    """The policies in force by (priority, kind). One query; the built-in promises are stored the first time."""
    rows = {(policy.priority, policy.kind): policy for policy in SlaPolicy.objects.filter(replaced_at=None)}
    return rows if rows else _store_defaults()


def pick(policies: Policies, priority: int, kind: str) -> SlaPolicy | None:
    """The promise for this kind of ticket, else that of its priority."""
    return policies.get((priority, kind)) or policies.get((priority, ""))


@transaction.atomic
def _store_defaults() -> Policies:
    now = clock.real_now()
    SlaPolicy.objects.bulk_create(
        [SlaPolicy(priority=priority, created_at=now, **policy_fields(priority)) for priority in Priority.values],
        ignore_conflicts=True,
    )
    return {(policy.priority, policy.kind): policy for policy in SlaPolicy.objects.filter(replaced_at=None)}
