from dataclasses import dataclass

from django.db import transaction
from django.utils.translation import gettext as _

from campaigns import content as liquid
from campaigns.enums import ContentState
from campaigns.models import Content, Immutable, Variant
from scrm.core import audit
from scrm.core.models import User
from scrm.lib import clock


class Outdated(Exception):
    """Somebody else saved the draft after the form was opened."""


class NotApprovable(Exception):
    """The content may not be approved; the text says why, for the person who asked."""


@dataclass(frozen=True, slots=True)
class VariantDraft:
    """What a form gives for one variant; one per (channel, language)."""

    channel: str
    language: str
    format: str
    subject: str = ""
    preheader: str = ""
    body: str = ""


@transaction.atomic
def save_content(
    *,
    content: Content | None,
    name: str,
    purpose: str,
    variants: list[VariantDraft],
    by: User,
    seen: str | None = None,
) -> Content:
    """Make a draft or change one: the variants become exactly these. ``seen``: stamp of the draft that the form was filled with.
    Raises Outdated, and campaigns.models.Immutable for approved content."""
    if content is None:
        content = Content(created_by=by)
    else:
        content = Content.objects.select_for_update().get(pk=content.pk)
        if content.sealed:
            raise Immutable(str(content))
        if seen is not None and seen != content.stamp:
            raise Outdated
    content.name, content.purpose = name, purpose
    content.save()
    kept = []
    for draft in variants:
        values = {"format": draft.format, "subject": draft.subject, "preheader": draft.preheader, "body": draft.body}
        row, _made = Variant.objects.update_or_create(
            content=content, channel=draft.channel, language=draft.language, defaults=values
        )
        kept.append(row.pk)
    content.variants.exclude(pk__in=kept).delete()
    audit.record(by, "content.saved", content, version=content.version)
    return content


@transaction.atomic
def approve_content(*, content: Content, by: User) -> Content:
    """Seal a draft; it can be sent from now on. Raises NotApprovable."""
    content = Content.objects.select_for_update().get(pk=content.pk)
    if content.state != ContentState.DRAFT:
        return content
    variants = list(content.variants.all())
    if not variants:
        raise NotApprovable(_("Write at least one variant first."))
    for variant in variants:
        problems = variant_problems(variant)
        if problems:
            raise NotApprovable(f"{variant}: {problems[0].message}")
    content.state, content.approved_by, content.approved_at = ContentState.APPROVED, by, clock.now()
    content.save()
    audit.record(by, "content.approved", content, version=content.version)
    return content


def variant_problems(variant: Variant) -> list[liquid.Problem]:
    """Everything wrong with a variant: empty parts, syntax, unknown fields."""
    problems = liquid.check(variant.body, variant.format)
    if not variant.body.strip():
        problems.insert(0, liquid.Problem(1, _("The text is empty.")))
    if variant.channel == "email":
        if not variant.subject.strip():
            problems.insert(0, liquid.Problem(1, _("A mail needs a subject.")))
        problems += liquid.check(variant.subject, "text") + liquid.check(variant.preheader, "text")
    return problems


@transaction.atomic
def new_version(*, content: Content, by: User) -> Content:
    """A draft that begins as a copy of ``content``; if the family has a draft already, that one. Locks the family first, so that
    of two who press at once the second finds the first one's draft."""
    family = Content.objects.filter(family=content.family)
    list(family.select_for_update().order_by("pk").values_list("pk"))
    draft = family.filter(state=ContentState.DRAFT).first()
    if draft is not None:
        return draft
    last = family.order_by("-version").first()
    draft = Content.objects.create(
        family=content.family,
        version=last.version + 1,
        name=content.name,
        purpose=content.purpose,
        tags=content.tags,
        system_key=content.system_key,
        created_by=by,
    )
    for variant in content.variants.all():
        variant.pk, variant.content, variant._state.adding = None, draft, True
        variant.save()
    audit.record(by, "content.version_made", draft, version=draft.version)
    return draft


@transaction.atomic
def archive_content(*, content: Content, by: User) -> Content:
    """Take approved content out of the choices; running programmes that name it go on."""
    content = Content.objects.select_for_update().get(pk=content.pk)
    if content.state == ContentState.APPROVED:
        content.state = ContentState.ARCHIVED
        content.save()
        audit.record(by, "content.archived", content, version=content.version)
    return content


@transaction.atomic
def delete_draft(*, content: Content, by: User) -> None:
    """Drafts only; approved versions stay, since messages refer to them. Raises campaigns.models.Immutable."""
    content = Content.objects.select_for_update().get(pk=content.pk)
    if content.state != ContentState.DRAFT:
        raise Immutable(str(content))
    audit.record(by, "content.deleted", content, version=content.version)
    content.delete()
