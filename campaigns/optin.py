"""Double opt-in: an address typed into a form gets one mail that asks; its owner's click is the consent.

When the visitor came by the personal link of a message, the page also asks whether they are the person who got that
message. The link alone is only observed evidence (it may have been forwarded); with the confirmed address and the
person's own yes it is enough to make visitor and follower one contact.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db import transaction

from campaigns import consent
from campaigns.enums import ContentFormat, ContentState, OptInState, Origin
from campaigns.models import Content, Message, OptIn, Variant
from campaigns.sending import SendRequest, submit, tokens
from contacts import identity as identities
from contacts import intake
from contacts.enums import ChannelKind, ConsentState, EventKind, IdentityKind, Purpose, Trust
from contacts.models import Consent, Contact, Identity
from scrm.lib import clock

CONFIRM = "confirm_email"
QUIET_PERIOD = timedelta(minutes=2)
"""One confirmation mail per address in this time ..."""
MOST_A_DAY = 5
"""... and so many in 24 hours, whoever typed it."""
VALID = timedelta(days=7)
_MAIL = {
    "zh-hans": (
        "请确认你的邮箱",
        "你好！\n\n有人在我们的网站上留下了这个邮箱，想收到我们的消息和优惠。如果是你，请点下面的按钮确认：\n\n"
        "[确认我的邮箱]({{ message.confirm_url }})\n\n如果不是你，不用理会这封邮件，我们不会再写信给你。链接 7 天内有效。",
    ),
    "en": (
        "Please confirm your e-mail address",
        "Hello!\n\nSomebody left this address on our web site to hear from us. If that was you, please confirm:\n\n"
        "[Confirm my address]({{ message.confirm_url }})\n\nIf it was not you, ignore this mail and we will not write again."
        " The link works for 7 days.",
    ),
}


@dataclass(frozen=True, slots=True)
class Start:
    """One submission: ``contact_id`` typed the address of ``identity_id``; ``link`` is the token of the personal link
    that led here."""

    contact_id: int
    identity_id: int
    submission: str
    link: str = ""
    form: str = ""


def start(contact_id: int, identity: Identity, link_token: str, form: str, submission: str) -> OptIn | None:
    """Ask for one address (see ``start_all``)."""
    start_all([Start(contact_id, identity.pk, submission, link_token, form)])
    return OptIn.objects.filter(submission=submission).first()


def concerned(starts: Sequence[Start]) -> set[int]:
    """Contacts that ``start_all`` locks: who typed, and who owns the address. For callers that lock more people at once."""
    owners = Identity.objects.filter(pk__in=[s.identity_id for s in starts]).values_list("contact_id", flat=True)
    return {s.contact_id for s in starts} | (set(owners) if starts else set())


@transaction.atomic
def start_all(starts: Sequence[Start]) -> int:
    """Pending consent and a confirmation mail for each submission; answers how many mails were planned.

    Idempotent by ``submission``, throttled per address, nothing for an address that is confirmed and has consented.
    Set-based; the ledger comes last.
    """
    now = clock.now()
    known = set(
        OptIn.objects.filter(submission__in=[s.submission for s in starts]).values_list("submission", flat=True)
    )
    asked = _asked_lately([s.identity_id for s in starts], now)
    owners = {i.pk: i for i in Identity.objects.filter(pk__in=[s.identity_id for s in starts], kind=IdentityKind.EMAIL)}
    willing = set(
        Consent.objects.filter(
            contact_id__in=[i.contact_id for i in owners.values()],
            channel=ChannelKind.EMAIL,
            purpose=Purpose.MARKETING,
            state=ConsentState.GRANTED,
        ).values_list("contact_id", flat=True)
    )
    rows, seen = [], set()
    for s in starts:
        owner = owners.get(s.identity_id)
        if owner is None or s.submission in known or s.identity_id in asked or s.identity_id in seen:
            continue
        if owner.trust == Trust.VERIFIED and owner.contact_id in willing and owner.contact_id == s.contact_id:
            continue
        seen.add(s.identity_id)
        rows.append(
            OptIn(
                contact_id=s.contact_id,
                identity_id=s.identity_id,
                submission=s.submission,
                form=s.form[:120],
                link_message_id=message_of(s.link),
                requested_at=now,
            )
        )
    if not rows:
        return 0
    consent.lock_people([row.contact_id for row in rows] + [i.contact_id for i in owners.values()])
    OptIn.objects.bulk_create(rows, ignore_conflicts=True)
    made = list(OptIn.objects.filter(submission__in=[row.submission for row in rows]).select_related("identity"))
    consent.set_state([row.contact_id for row in made], ChannelKind.EMAIL, ConsentState.PENDING, {"how": "form"})
    return _ask(made)


def _asked_lately(identity_ids: Iterable[int], now) -> set[int]:
    """Addresses that got their confirmation mail a moment ago, or too many today."""
    counts: dict[int, int] = {}
    tired = set()
    recent = OptIn.objects.filter(identity_id__in=list(identity_ids), requested_at__gt=now - timedelta(days=1))
    for identity_id, at in recent.values_list("identity_id", "requested_at"):
        counts[identity_id] = counts.get(identity_id, 0) + 1
        if at > now - QUIET_PERIOD or counts[identity_id] >= MOST_A_DAY:
            tired.add(identity_id)
    return tired


def _ask(rows: Sequence[OptIn]) -> int:
    content = confirm_content()
    # To the owner of the address, who may be somebody else than the one who typed it.
    planned = submit(
        [
            SendRequest(
                key=f"optin:{row.pk}",
                contact_id=row.identity.contact_id,
                content_id=content.pk,
                purpose=Purpose.TRANSACTIONAL.value,
                origin=Origin.SYSTEM.value,
                origin_id=row.pk,
                channels=[ChannelKind.EMAIL.value],
                identity_id=row.identity_id,
                ref={"opt_in": row.pk},
                context={"message": {"confirm_url": url_of(row)}},
                expires_at=row.requested_at + VALID,
            )
            for row in rows
        ]
    )
    for row in rows:
        row.message_id = planned[f"optin:{row.pk}"]
    OptIn.objects.bulk_update(rows, ["message"])
    return len(planned)


def url_of(row: OptIn) -> str:
    return f"{settings.PUBLIC_URL}/c/{tokens.make(tokens.CONFIRM, row.pk)}"


def message_of(link_token: str) -> int | None:
    """The message whose personal link a token is; None when it is none of ours."""
    numbers = tokens.read(tokens.LINK, link_token or "", 2)
    return numbers[1] if numbers and Message.objects.filter(pk=numbers[1]).exists() else None


def follower_of(row: OptIn) -> Contact | None:
    """The other person this visitor may be: who got the message whose link led here, if that is a living contact other
    than the one that confirms."""
    if row.link_message is None:
        return None
    follower = Contact.objects.living().filter(pk=row.link_message.contact_id).first()
    here = {row.contact_id, row.identity.contact_id}
    return follower if follower is not None and follower.pk not in here else None


def masked(contact: Contact) -> str:
    """Enough for the person themself: the first character of the name."""
    return f"{contact.name[0]}*" if contact.name else "*"


class Outdated(Exception):
    """The confirmation link is older than a week."""


def is_outdated(row: OptIn) -> bool:
    return row.state == OptInState.PENDING and row.requested_at < clock.now() - VALID


@transaction.atomic
def confirm(row: OptIn, *, is_me: bool | None) -> Contact:
    """The owner of the address says yes: it is verified, the consent is given, and with ``is_me`` visitor and follower become one.

    Idempotent: a second answer changes nothing. Answers the contact as it is now. Raises Outdated.
    """
    row = OptIn.objects.select_for_update(of=("self",)).select_related("identity", "link_message").get(pk=row.pk)
    if row.state == OptInState.CONFIRMED:
        return Contact.objects.get(pk=row.contact_id)
    if is_outdated(row):
        raise Outdated
    follower = follower_of(row)
    # All contacts in question in id order first, as everybody does; what follows locks them again.
    people = sorted({row.contact_id, row.identity.contact_id, *([follower.pk] if follower else [])})
    consent.lock_people(people)
    row.state, row.confirmed_at = OptInState.CONFIRMED, clock.now()
    row.answer = "" if follower is None or is_me is None else "me" if is_me else "not_me"
    row.save(update_fields=["state", "confirmed_at", "answer"])
    proof = {"by": "confirmed link", "opt_in": row.pk, "form": row.form}
    contact_id = identities.confirm(row.identity, proof, contact_id=row.contact_id)
    if follower is not None and is_me and follower.pk != contact_id:
        evidence = {
            "link_message": row.link_message_id,
            "email_confirmed": True,
            "answered_by_person": True,
            "opt_in": row.pk,
        }
        identities.merge(follower, Contact.objects.get(pk=contact_id), evidence)
        contact_id = follower.pk
    _tell(row, contact_id)
    return Contact.objects.get(pk=contact_id)


def _tell(row: OptIn, contact_id: int) -> None:
    given = consent.set_state(
        [contact_id],
        ChannelKind.EMAIL,
        ConsentState.GRANTED,
        {"how": "double opt-in", "opt_in": row.pk, "form": row.form},
    )
    confirmed = intake.Incoming(
        kind=EventKind.EMAIL_CONFIRMED.value,
        channel=ChannelKind.EMAIL.value,
        occurred_at=clock.now(),
        contact_id=contact_id,
        properties={"opt_in": row.pk, "form": row.form, "email": row.identity.hint},
    )
    intake.append_own([confirmed, *given])


@transaction.atomic
def confirm_content() -> Content:
    """The newest approved confirmation mail; the built-in one is made when it is first needed, and may be replaced by
    a new version."""
    found = Content.objects.filter(system_key=CONFIRM, state=ContentState.APPROVED).order_by("-version").first()
    if found is not None:
        return found
    content, made = Content.objects.get_or_create(
        system_key=CONFIRM, version=1, defaults={"name": "邮箱确认", "purpose": Purpose.TRANSACTIONAL}
    )
    if made:
        for language, (subject, body) in _MAIL.items():
            Variant.objects.create(
                content=content,
                channel=ChannelKind.EMAIL,
                language=language,
                format=ContentFormat.MARKDOWN,
                subject=subject,
                body=body,
            )
    content.state, content.approved_at = ContentState.APPROVED, clock.now()
    content.save()
    return content
