"""What the product's database says about customers: run with the settings of a running stack, prints JSON.

Arguments: a file with one openid a line. Everything is keyed by openid, so that it can be laid beside the sandbox's record.
"""

import json
import sys
from collections import Counter, defaultdict
from pathlib import Path

import django

django.setup()

from campaigns.models import Message  # noqa: E402
from channels_ingest.models import Channel, Delivery  # noqa: E402
from contacts.consumers import lag  # noqa: E402
from contacts.enums import IdentityKind  # noqa: E402
from contacts.identity.normalise import normalise  # noqa: E402
from contacts.models import Contact, Event, Identity, PoisonEvent, Tagging  # noqa: E402
from journeys.models import Enrolment  # noqa: E402
from scrm.lib import clock, crypto  # noqa: E402


def main(openids: list[str]) -> dict[str, object]:
    index = {crypto.blind_index(IdentityKind.OPENID, normalise(IdentityKind.OPENID, one)): one for one in openids}
    owners: dict[str, list[int]] = defaultdict(list)
    for found, contact in Identity.objects.filter(kind=IdentityKind.OPENID, index__in=index).values_list(
        "index", "contact_id"
    ):
        owners[index[found]].append(contact)
    of = {contact: openid for openid, contacts in owners.items() for contact in contacts}
    events: dict[str, Counter] = defaultdict(Counter)
    for contact, kind in Event.objects.filter(contact_id__in=of).values_list("contact_id", "kind"):
        events[of[contact]][kind] += 1
    runs: dict[str, list] = defaultdict(list)
    for row in (
        Enrolment.objects.filter(contact_id__in=of)
        .order_by("id")
        .values("contact_id", "id", "state", "step", "due_at", "fault")
    ):
        late = row["due_at"] is not None and row["state"] in {"active", "waiting"} and row["due_at"] <= clock.now()
        runs[of[row["contact_id"]]].append(
            {"id": row["id"], "state": row["state"], "step": row["step"], "late": late, "fault": row["fault"]}
        )
    messages: dict[str, list] = defaultdict(list)
    for row in (
        Message.objects.filter(contact_id__in=of)
        .order_by("id")
        .values("contact_id", "key", "channel", "state", "reason")
    ):
        messages[of[row.pop("contact_id")]].append(row)
    return {
        "contacts": owners,
        "living": Contact.objects.living().filter(pk__in=of).count(),
        "events": events,
        "runs": runs,
        "messages": messages,
        "tagged": Counter(
            of[pk] for pk in Tagging.objects.filter(contact_id__in=of).values_list("contact_id", flat=True)
        ),
        "deliveries": Counter(Delivery.objects.values_list("state", flat=True)),
        "account": Channel.objects.filter(kind="wechat_oa").values("id", "state", "broken_reason", "last_error").get(),
        "door": Channel.objects.get(kind="wechat_oa").webhook_url,
        "poison": PoisonEvent.objects.count(),
        "consumers": lag(),
    }


print(json.dumps(main(Path(sys.argv[1]).read_text().split()), default=str))
