"""From a form or a stored rule to a drawn builder with live figures; what the segment and stage-rule pages share."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from time import monotonic
from typing import Any

from django.db.models import Case, Count, Exists, OuterRef, QuerySet, Value, When
from django.db.models.expressions import RawSQL

from contacts import counting, queries, segments
from contacts.builder import drawing, schema, tree
from contacts.builder.commands import apply
from contacts.builder.tree import Node, TreeTooBig
from contacts.enums import ChannelKind, ConsentState, Purpose
from contacts.models import Consent, Contact, Identity
from contacts.reach import ADDRESS_KINDS
from scrm.core.models import User

BUDGET_MS = 900
TOTAL_PATIENCE_MS = 500
SAMPLE_PATIENCE_MS = 300
ROW_PATIENCE_MS = 80
CHANNELS_PATIENCE_MS = 250
ROWS_COUNTED = 12
SAMPLE = 5


@dataclass
class Figures:
    """Who meets the rule, among the contacts the reader may see. Rows with a problem are left out and said so."""

    total: counting.Count | None
    """None: not counted yet."""
    everybody: counting.Count | None
    sample: list[Contact] = field(default_factory=list)
    sentence: str = ""
    incomplete: bool = False
    channels: list[dict[str, Any]] = field(default_factory=list)
    """How many of them each channel can reach, most first; empty when that takes too long to count."""

    @property
    def share(self) -> float | None:
        if self.total is None or self.everybody is None or not self.everybody.number:
            return None
        return min(self.total.number / self.everybody.number, 1)

    @property
    def percent(self) -> str:
        return f"{(self.share or 0) * 100:.1f}"


@dataclass
class Draft:
    """A rule being built: the tree with its widgets and problems, the rule as it would be stored."""

    root: Node
    rule: dict[str, Any]
    problems: list[tuple[str, str, str]]
    focus: str = ""
    """DOM id of the row to put the focus on."""
    too_big: bool = False

    @property
    def is_valid(self) -> bool:
        return not self.problems


def from_rule(rule: dict[str, Any], segment_id: int | None = None) -> Draft:
    return _draft(tree.from_rule(rule), segment_id)


def from_post(post: Any, segment_id: int | None = None) -> Draft:
    """The posted tree after the pressed button (``do``), if any. A tree past the limits is refused as a whole: the tree is
    answered without the command."""
    try:
        root = tree.from_post(post, schema.read)
    except TreeTooBig:
        draft = _draft(Node("all"), segment_id)
        draft.too_big = True
        return draft
    focus, too_big = None, False
    try:
        focus = apply(root, post.get("do", ""))
    except TreeTooBig:
        root, too_big = tree.from_post(post, schema.read), True
    draft = _draft(root, segment_id)
    draft.focus, draft.too_big = focus.dom_id if focus else "", too_big
    return draft


def draw(draft: Draft, *, without_segment: int | None = None) -> Draft:
    """Put widgets and problems on the nodes. About six queries for the menus."""
    offered = drawing.lists(queries.attribute_names(), queries.event_choices(), without_segment=without_segment)
    drawing.draw(draft.root, offered, draft.problems)
    return draft


def uncounted(draft: Draft, language: str) -> Figures:
    """The page before its figures are there: the sentence only. They are fetched as the first step of building."""
    bad = {path for path, _name, _message in draft.problems}
    rule = tree.to_rule(tree.without(draft.root, bad))
    return Figures(total=None, everybody=None, sentence=segments.describe(rule, language), incomplete=bool(bad))


def figures(draft: Draft, user: User, now: datetime, language: str) -> Figures:
    """The live count, a few people, the count of each row alone and the channels, within BUDGET_MS: a count that does not fit
    is an estimate and marked so, what comes after is left out."""
    bad = {path for path, _name, _message in draft.problems}
    good = tree.without(draft.root, bad)
    rule = tree.to_rule(good)
    mine = Contact.objects.visible_to(user)
    people = meeting(mine, rule, now)
    budget = Budget()
    total = counting.count(people, patience_ms=budget.of(TOTAL_PATIENCE_MS))
    found = Figures(
        total=total,
        everybody=counting.count(mine, patience_ms=budget.of(ROW_PATIENCE_MS)),
        sample=sample(people, budget.of(SAMPLE_PATIENCE_MS)),
        sentence=segments.describe(rule, language),
        incomplete=bool(bad),
    )
    for node in list(_rows(draft.root, bad))[:ROWS_COUNTED]:
        if budget.is_spent:
            break
        alone = {"kind": node.kind, **node.values}
        node.count = counting.count(meeting(mine, alone, now), patience_ms=budget.of(ROW_PATIENCE_MS))
    if not budget.is_spent:
        found.channels = reachable(people, total.number, budget.of(CHANNELS_PATIENCE_MS))
    return found


class Budget:
    """Milliseconds left of BUDGET_MS for all statements of one step of building together."""

    def __init__(self) -> None:
        self.until = monotonic() + BUDGET_MS / 1000

    def of(self, wish: int) -> int:
        """The wish, or what is left; never nothing."""
        return max(min(wish, int((self.until - monotonic()) * 1000)), 10)

    @property
    def is_spent(self) -> bool:
        return monotonic() >= self.until


def meeting(mine: QuerySet[Contact], rule: dict[str, Any], now: datetime) -> QuerySet[Contact]:
    """Those of ``mine`` who meet the rule; nobody when it can't be evaluated (a segment that it names is broken)."""
    try:
        return mine.filter(pk__in=RawSQL(*segments.ids_sql(rule, now)))
    except segments.BrokenRule:
        return mine.none()


def reachable(people: QuerySet[Contact], total: int, patience_ms: int) -> list[dict[str, Any]]:
    """Per channel: an address that works, and marketing consent not withdrawn. Left out when it can't be had quickly."""
    refused = Consent.objects.filter(
        contact=OuterRef("contact"), purpose=Purpose.MARKETING, state=ConsentState.WITHDRAWN, channel=OuterRef("via")
    )
    via = Case(*(When(kind__in=kinds, then=Value(channel.value)) for channel, kinds in ADDRESS_KINDS.items()))
    held = (
        Identity.objects.filter(contact__in=people.order_by().values("pk"), reachable=True)
        .annotate(via=via)
        .filter(~Exists(refused), via__isnull=False)
        .order_by()
        .values_list("via")
        .annotate(n=Count("contact", distinct=True))
    )
    found = counting.patient(lambda: list(held), patience_ms) if total else None
    return [
        {
            "channel": channel,
            "label": ChannelKind(channel).label,
            "number": n,
            "percent": f"{min(n / total, 1) * 100:.1f}",
        }
        for channel, n in sorted(found or [], key=lambda row: -row[1])
    ]


def sample(people: QuerySet[Contact], patience_ms: int) -> list[Contact]:
    """The five seen last: an order that an index gives."""
    latest = people.select_related("owner").defer("name_grams").order_by("-last_seen_at", "-id")[:SAMPLE]
    return counting.patient(lambda: list(latest), patience_ms) or []


def _rows(root: Node, bad: set[str]) -> Iterator[Node]:
    for node in tree.walk(root):
        if not node.is_group and node.path not in bad:
            yield node


def _draft(root: Node, segment_id: int | None) -> Draft:
    """A problem's path is the node's path: both are ``r`` and child positions, ``not`` adds no step."""
    rule = tree.to_rule(root)
    found = segments.validate(rule, segment_id)
    return Draft(root, rule, [(problem.path, problem.field, str(problem.message)) for problem in found])
