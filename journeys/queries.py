"""Shared reads of the journeys room."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import Exists, OuterRef, Q, Sum, Value
from django.utils.functional import SimpleLazyObject
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from campaigns.enums import ContentState
from campaigns.models import Content, CouponBatch
from contacts.models import Segment, Tag
from contacts.segments import leaves_of
from journeys.enums import OPEN_STATES, JourneyState, Outcome, TriggerKind, VersionState
from journeys.models import Enrolment, EnrolmentCount, Journey, StepCount, Version
from journeys.steps.base import Names
from journeys.tree import walk


def names() -> Names:
    """Contents, tags, segments and coupon batches a design may name; one query for each kind that is asked for."""
    return Names(
        contents=SimpleLazyObject(_contents),
        tags=SimpleLazyObject(lambda: dict(Tag.objects.values_list("pk", "name"))),
        segments=SimpleLazyObject(lambda: dict(Segment.objects.order_by("name").values_list("pk", "name"))),
        batches=SimpleLazyObject(lambda: {batch.pk: batch for batch in CouponBatch.objects.order_by("name")}),
        language=get_language() or "",
    )


def _contents() -> dict[int, Content]:
    rows = Content.objects.filter(system_key="").exclude(state=ContentState.ARCHIVED)
    return {
        content.pk: content
        for content in rows.annotate(
            channels=ArrayAgg("variants__channel", filter=Q(variants__isnull=False), distinct=True, default=Value([]))
        ).order_by("name", "-version")
    }


def named_leaves() -> Iterator[tuple[str, dict[str, Any]]]:
    """What journeys that are not over name (settings.RULE_HOLDERS): their triggers, entry conditions, splits and tag steps, of the
    draft, the published version and older ones that people are still in. One query."""
    inside = Enrolment.objects.filter(version=OuterRef("pk"), state__in=OPEN_STATES)
    versions = Version.objects.exclude(journey__state=JourneyState.ENDED).select_related("journey")
    for version in versions.filter(~Q(state=VersionState.RETIRED) | Exists(inside)).order_by("journey_id", "number"):
        name = _("journey “%(name)s”") % {"name": version.journey.name}
        trigger = version.definition["trigger"]
        if trigger["kind"] == TriggerKind.SEGMENT and trigger.get("segment"):
            yield name, {"kind": "segment", "segment": trigger["segment"]}
        rules = [trigger.get("rule")]
        for step, _depth in walk(version.definition["steps"]):
            rules += [branch.get("rule") for branch in step["branches"]]
            if step["kind"] == "tag" and step["config"].get("tag"):
                yield name, {"kind": "tag", "tags": [step["config"]["tag"]]}
        for rule in rules:
            for _path, leaf in leaves_of(rule or {}):
                yield name, leaf


class Counts:
    """Live figures of one version: how many entered a step, left it by a branch, are in it now."""

    def __init__(self, version_ids: Iterable[int]) -> None:
        self._sums: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
        rows = StepCount.objects.filter(version_id__in=list(version_ids)).values_list("step", "branch")
        for step, branch, n in rows.annotate(Sum("n")):
            self._sums[step][branch] += n

    def entered(self, step: str) -> int:
        return self._sums[step]["in"]

    def left(self, step: str, branch: str) -> int:
        return self._sums[step][branch]

    def here(self, step: str) -> int:
        return self.entered(step) - sum(n for branch, n in self._sums[step].items() if branch != "in")


def journeys_with_figures() -> list[Journey]:
    """Every journey with what the list shows; queries do not grow with their number.

    Adds ``inside``, ``entered``, ``converted``, ``sent``, ``draft`` and ``published`` (versions or None)."""
    journeys = list(Journey.objects.select_related("created_by"))
    people = {
        row["journey_id"]: row
        for row in EnrolmentCount.objects.values("journey_id").annotate(
            entered_by=Sum("n"), inside_now=Sum("inside"), ever_converted=Sum("converted")
        )
    }
    sent = dict(
        StepCount.objects.filter(branch=Outcome.SENT).values_list("version__journey").annotate(Sum("n")).order_by()
    )
    versions: dict[int, dict[str, Version]] = defaultdict(dict)
    for version in Version.objects.exclude(state=VersionState.RETIRED):
        versions[version.journey_id][version.state] = version
    for journey in journeys:
        row = people.get(journey.pk, {})
        journey.entered, journey.inside = row.get("entered_by", 0), row.get("inside_now", 0)
        journey.converted, journey.sent = row.get("ever_converted", 0), sent.get(journey.pk, 0)
        journey.draft = versions[journey.pk].get(VersionState.DRAFT)
        journey.published = versions[journey.pk].get(VersionState.PUBLISHED)
    order = [JourneyState.LIVE, JourneyState.PAUSED, JourneyState.DRAFT, JourneyState.ENDED]
    return sorted(journeys, key=lambda journey: (order.index(journey.state), journey.name))


def inside_by_version(journey: Journey) -> dict[int, int]:
    """How many people are inside, per version number."""
    rows = journey.people.values_list("version__number").annotate(now=Sum("inside")).exclude(now=0).order_by()
    return dict(rows)


def people_of(journey: Journey) -> dict[str, int]:
    """``people`` who ever entered, ``inside`` now, ``converted``: the kept counts."""
    sums = journey.people.aggregate(a=Sum("n"), b=Sum("inside"), c=Sum("converted"))
    return {"people": sums["a"] or 0, "inside": sums["b"] or 0, "converted": sums["c"] or 0}
