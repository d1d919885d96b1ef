"""The suppression list: addresses that are not written to, kept as blind indexes only."""

from collections.abc import Iterable

from django.db import transaction
from django.utils.translation import gettext as _

from campaigns.enums import SuppressionReason
from campaigns.models import Suppression
from contacts import identity as identities
from contacts.enums import IdentityKind
from contacts.models import Identity
from scrm.core import audit
from scrm.core.models import User
from scrm.lib import clock, crypto


class NotAnAddress(ValueError):
    """The text is no e-mail address or phone number."""


def suppress(identity_ids: Iterable[int], reason: SuppressionReason, note: str = "") -> int:
    """Put the addresses of these identities on the list; set-based. A harder reason replaces a softer one, never the other way."""
    rows = Identity.objects.filter(pk__in=list(identity_ids)).values_list("kind", "scope", "index")
    return _add([(kind, scope, index) for kind, scope, index in rows], reason, note)


@transaction.atomic
def suppress_address(*, kind: str, value: str, note: str = "", by: User) -> None:
    """A person puts an address on the list, whether we know it or not. Audited without the address. Raises NotAnAddress."""
    normal = identities.normalise(kind, value)
    if kind not in {IdentityKind.EMAIL, IdentityKind.PHONE} or normal is None:
        raise NotAnAddress(_("This is no e-mail address or phone number."))
    _add([(kind, 0, crypto.blind_index(kind, normal))], SuppressionReason.MANUAL, note)
    audit.record(by, "suppression.added", None, kind=kind)


@transaction.atomic
def release_address(*, suppression: Suppression, by: User) -> None:
    """Take an address off the list. Audited."""
    audit.record(by, "suppression.removed", suppression, kind=suppression.kind, reason=suppression.reason)
    suppression.delete()


def _add(keys: list[tuple[str, int, object]], reason: SuppressionReason, note: str) -> int:
    now = clock.now()
    rows = [
        Suppression(kind=k, scope=s, index=i, reason=reason, note=note[:200], created_at=now)
        for k, s, i in sorted(keys, key=str)
    ]
    Suppression.objects.bulk_create(rows, ignore_conflicts=True)
    if reason not in {SuppressionReason.OPTED_OUT, SuppressionReason.COMPLAINED}:
        soft = Suppression.objects.filter(reason__in=[SuppressionReason.OPTED_OUT, SuppressionReason.COMPLAINED])
        for row in rows:
            soft.filter(kind=row.kind, scope=row.scope, index=row.index).update(reason=reason, note=row.note)
    return len(rows)
