"""Shared reads of the campaigns room."""

from dataclasses import dataclass

from django.db.models import Count, Q, QuerySet

from campaigns.enums import Reason, State
from campaigns.models import Campaign, Content, Message

WENT = [State.SENT, State.DELIVERED, State.BOUNCED]


def reason_label(reason: str) -> str:
    """The sentence for a stored reason; an unknown one is shown as it is."""
    return str(Reason(reason).label) if reason in Reason.values else reason


@dataclass(frozen=True, slots=True)
class Funnel:
    """The numbers of one programme, counted from the ledger. Rates are of ``sent``, None when nothing was sent."""

    planned: int
    waiting: int
    held: int
    sent: int
    suppressed: int
    failed: int
    unknown: int
    opened: int
    clicked: int

    @property
    def open_rate(self) -> float | None:
        return self.opened / self.sent if self.sent else None

    @property
    def click_rate(self) -> float | None:
        return self.clicked / self.sent if self.sent else None


_COUNTS = {
    "planned": Count("id"),
    "waiting": Count("id", filter=Q(state__in=[State.QUEUED, State.LEASED, State.ATTEMPTING])),
    "held": Count("id", filter=Q(state=State.HELD)),
    "sent": Count("id", filter=Q(state__in=WENT)),
    "suppressed": Count("id", filter=Q(state=State.SUPPRESSED)),
    "failed": Count("id", filter=Q(state__in=[State.FAILED, State.EXPIRED])),
    "unknown": Count("id", filter=Q(state=State.UNKNOWN)),
    "opened": Count("id", filter=Q(opened_at__isnull=False)),
    "clicked": Count("id", filter=Q(clicked_at__isnull=False)),
}


def funnel(origin: str, origin_id: int) -> Funnel:
    """One index range of the ledger (origin, origin_id)."""
    return Funnel(**Message.objects.filter(origin=origin, origin_id=origin_id).aggregate(**_COUNTS))


def funnels(origin: str, ids: list[int]) -> dict[int, Funnel]:
    """The same for the rows of a list, in one query; programmes without messages are left out."""
    rows = Message.objects.filter(origin=origin, origin_id__in=ids).order_by().values("origin_id").annotate(**_COUNTS)
    return {row.pop("origin_id"): Funnel(**row) for row in rows}


def reasons(origin: str, origin_id: int) -> list[dict[str, object]]:
    """Why messages of a programme wait or did not leave: [{"state", "reason", "label", "count"}], largest first."""
    rows = (
        Message.objects.filter(origin=origin, origin_id=origin_id)
        .exclude(reason="")
        .exclude(state__in=WENT)
        .values("state", "reason")
        .annotate(count=Count("id"))
        .order_by("-count")
    )
    return [{**row, "label": reason_label(row["reason"]), "state_label": State(row["state"]).label} for row in rows]


def campaign_result(campaign: Campaign) -> dict[str, object]:
    """What a campaign's page shows of its sends; two counts over its index range and its waves."""
    waves = list(campaign.waves.order_by("number"))
    return {
        "funnel": funnel("campaign", campaign.pk),
        "reasons": reasons("campaign", campaign.pk),
        "audience": sum(wave.audience for wave in waves),
        "planned": sum(wave.planned for wave in waves),
        "waves": waves,
    }


def content_library() -> QuerySet[Content]:
    """What people write, newest version of each family first; the product's own system content is left out."""
    latest = Content.objects.filter(system_key="").order_by("family", "-version").distinct("family").values("pk")
    return Content.objects.filter(pk__in=latest)
