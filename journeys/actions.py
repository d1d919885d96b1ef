"""Writes of the journeys room: designing, publishing, pausing, ending, adding and taking out people."""

from collections.abc import Callable
from copy import deepcopy

from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from campaigns import sending
from campaigns.enums import Origin
from contacts import intake
from contacts.models import Contact, Event
from journeys import engine, enrolling
from journeys.enums import JourneyState, Reason, VersionState
from journeys.graph import compile_definition, graph_of
from journeys.models import DraftEdit, Enrolment, Journey, Version
from journeys.problems import errors, problems_of
from journeys.queries import names
from journeys.steps.base import Problem
from journeys.tree import Definition, blank
from scrm.core import audit
from scrm.core.models import User
from scrm.lib import clock, hints

KEPT_EDITS = 50


class Refused(Exception):
    """The action is not possible now; the message is for the person."""


class Stale(Refused):
    """Somebody else changed the draft in the meantime."""


class HasProblems(Refused):
    def __init__(self, problems: list[Problem]) -> None:
        super().__init__(_("The design has problems. They are marked at their steps."))
        self.problems = problems


@transaction.atomic
def create_journey(*, name: str, by: User | None, definition: Definition | None = None, recipe: str = "") -> Journey:
    now = clock.now()
    journey = Journey.objects.create(
        name=name, recipe=recipe, created_by=by, created_at=now, changed_at=clock.real_now()
    )
    Version.objects.create(journey=journey, number=1, definition=definition or blank(), edited_by=by, edited_at=now)
    audit.record(by, "journey.created", journey, recipe=recipe)
    return journey


@transaction.atomic
def rename_journey(*, journey: Journey, name: str, by: User) -> None:
    before, journey.name = journey.name, name
    journey.save(update_fields=["name"])
    audit.record(by, "journey.renamed", journey, before=before)


@transaction.atomic
def edit_draft(
    *, journey: Journey, revision: int | None, edit: Callable[[Definition], Definition], by: User
) -> Version:
    """Apply one edit to the draft, made from the newest version when there is none. ``revision`` is what the page showed
    (0: there was no draft; None: whatever there is); another one raises Stale. Undo gets the state before."""
    present = journey.versions.filter(state=VersionState.DRAFT).values_list("revision", flat=True).first() or 0
    draft = draft_of(journey, by=by)
    if revision is not None and revision != (present and draft.revision):
        raise Stale(
            _("Somebody else changed this draft. The page now shows the newest state; please repeat your change.")
        )
    before = draft.definition
    after = edit(deepcopy(before))
    if after == before:
        return draft
    DraftEdit.objects.create(version=draft, revision=draft.revision, definition=before)
    DraftEdit.objects.filter(version=draft, revision__lte=draft.revision - KEPT_EDITS).delete()
    return _store(draft, after, by)


@transaction.atomic
def undo_edit(*, journey: Journey, by: User) -> Version:
    """Take back the last edit of the draft; once more, the one before."""
    draft = draft_of(journey, by=by)
    edit = draft.edits.order_by("-revision").first()
    if edit is None:
        raise Refused(_("There is nothing to undo."))
    edit.delete()
    return _store(draft, edit.definition, by)


def draft_of(journey: Journey, *, by: User | None) -> Version:
    """The draft, locked; made from the newest version if there is none. Needs a transaction."""
    Journey.objects.select_for_update(no_key=True).get(pk=journey.pk)
    if journey.is_over:
        raise Refused(_("An ended journey cannot be changed. Copy it instead."))
    draft = journey.versions.select_for_update(no_key=True).filter(state=VersionState.DRAFT).first()
    if draft:
        return draft
    newest = journey.versions.order_by("-number").first()
    return Version.objects.create(
        journey=journey,
        number=newest.number + 1,
        definition=newest.definition,
        edited_by=by,
        edited_at=clock.now(),
    )


@transaction.atomic
def discard_draft(*, journey: Journey, by: User) -> None:
    """Back to the published version."""
    if not journey.versions.exclude(state=VersionState.DRAFT).exists():
        raise Refused(_("This journey has no published version to go back to."))
    number = journey.versions.filter(state=VersionState.DRAFT).values_list("number", flat=True).first()
    journey.versions.filter(state=VersionState.DRAFT).delete()
    audit.record(by, "journey.draft_discarded", journey, version=number)


@transaction.atomic
def publish_draft(*, journey: Journey, by: User | None) -> Version:
    """The draft becomes the version that new people enter by; people inside stay on theirs. Raises HasProblems."""
    journey = Journey.objects.select_for_update(no_key=True).get(pk=journey.pk)
    if journey.is_over:
        raise Refused(_("An ended journey cannot be published. Copy it instead."))
    draft = journey.versions.select_for_update(no_key=True).filter(state=VersionState.DRAFT).first()
    if draft is None:
        raise Refused(_("There is no draft: the published version is the newest."))
    found = errors(problems_of(draft.definition, names()))
    if found:
        raise HasProblems(found)
    compile_definition(draft.definition)
    journey.versions.filter(state=VersionState.PUBLISHED).update(state=VersionState.RETIRED)
    draft.state, draft.published_by, draft.published_at = VersionState.PUBLISHED, by, clock.now()
    draft.save(update_fields=["state", "published_by", "published_at"])
    draft.edits.all().delete()
    if journey.state == JourneyState.DRAFT:
        journey.state = JourneyState.LIVE
    _touch(journey)
    audit.record(by, "journey.published", journey, version=draft.number)
    return draft


@transaction.atomic
def pause_journey(*, journey: Journey, by: User) -> None:
    """Nobody enters, nobody moves on and no message of it leaves, within seconds; goals and exits still act."""
    _change_state(journey, JourneyState.LIVE, JourneyState.PAUSED)
    sending.pause(Origin.JOURNEY.value, journey.pk)
    audit.record(by, "journey.paused", journey)


@transaction.atomic
def resume_journey(*, journey: Journey, by: User) -> None:
    """Who became due in the meantime moves on at once, and messages go through the gates again."""
    _change_state(journey, JourneyState.PAUSED, JourneyState.LIVE)
    sending.resume(Origin.JOURNEY.value, journey.pk)
    audit.record(by, "journey.resumed", journey)
    hints.poke_on_commit("journeys.advance")


@transaction.atomic
def end_journey(*, journey: Journey, by: User) -> int:
    """For good: the pump takes everybody out. Answers how many are inside."""
    locked = Journey.objects.select_for_update(no_key=True).get(pk=journey.pk)
    if locked.state not in {JourneyState.LIVE, JourneyState.PAUSED}:
        raise Refused(_("Only a live or paused journey can be ended."))
    inside = locked.enrolments.open().count()
    journey.state = locked.state = JourneyState.ENDED
    _touch(locked)
    audit.record(by, "journey.ended", journey, inside=inside)
    hints.poke_on_commit("journeys.advance")
    return inside


@transaction.atomic
def delete_journey(*, journey: Journey, by: User) -> None:
    """Only one that nobody ever entered."""
    if journey.enrolments.exists() or journey.state in {JourneyState.LIVE, JourneyState.PAUSED}:
        raise Refused(_("People have been in this journey. End it instead of deleting it."))
    audit.record(by, "journey.deleted", journey)
    journey.delete()


@transaction.atomic
def copy_journey(*, journey: Journey, name: str, by: User) -> Journey:
    """A new draft with the newest design."""
    newest = journey.versions.order_by("-number").first()
    return create_journey(name=name, by=by, definition=deepcopy(newest.definition), recipe=journey.recipe)


@transaction.atomic
def add_contact(*, journey: Journey, contact: Contact, by: User) -> bool:
    """Let one person in by hand, whatever the trigger; the entry condition is not asked, re-entry is. False: not allowed."""
    version = journey.versions.filter(state=VersionState.PUBLISHED).first()
    if version is None or not journey.takes_people:
        raise Refused(_("People can only be added to a live journey."))
    position = Event.objects.aggregate(Max("id"))["id__max"] or 0
    events = enrolling.enrol(graph_of(version.pk), [enrolling.Entry(contact.pk, position)], clock.now())
    if not events:
        return False
    audit.record(by, "journey.contact_added", journey, contact=contact.pk)
    intake.append_own(events)
    hints.poke_on_commit("journeys.advance")
    return True


@transaction.atomic
def take_contact_out(*, enrolment: Enrolment, by: User) -> bool:
    """End one person's run by hand. False: it was over already."""
    audit.record(by, "journey.contact_removed", enrolment.journey, contact=enrolment.contact_id)
    return bool(engine.take_out([enrolment.pk], Reason.STOPPED, clock.now()))


def _store(draft: Version, definition: Definition, by: User) -> Version:
    draft.definition, draft.edited_by, draft.edited_at = definition, by, clock.now()
    draft.revision += 1
    draft.save(update_fields=["definition", "edited_by", "edited_at", "revision"])
    return draft


def _change_state(journey: Journey, before: JourneyState, after: JourneyState) -> None:
    changed = Journey.objects.filter(pk=journey.pk, state=before).update(state=after, changed_at=clock.real_now())
    if not changed:
        raise Refused(_("The journey is not in that state any more. Reload the page."))
    journey.state = after


def _touch(journey: Journey) -> None:
    journey.changed_at = clock.real_now()
    journey.save(update_fields=["state", "changed_at"])
