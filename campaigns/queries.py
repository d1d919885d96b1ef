"""Shared reads of the campaigns room."""

from dataclasses import dataclass

from django.db.models import Q, QuerySet, Sum
from django.db.models.functions import Coalesce

from campaigns.enums import Reason, State
from campaigns.models import Campaign, Content, MessageCount

WENT = [State.SENT, State.DELIVERED, State.BOUNCED]


def reason_label(reason: str) -> str:
    """The sentence for a stored reason; an unknown one is shown as it is."""
    return str(Reason(reason).label) if reason in Reason.values else reason


@dataclass(frozen=True, slots=True)
class Funnel:
    """The numbers of one programme, from the kept counts of the ledger, exact at every moment. Rates are of ``sent``, None
    when nothing was sent."""

    planned: int
    waiting: int
    held: int
    sent: int
    suppressed: int
    failed: int
    unknown: int
    opened: int
    clicked: int
    bounced: int = 0
    """Of ``sent``."""

    @property
    def open_rate(self) -> float | None:
        return self.opened / self.sent if self.sent else None

    @property
    def click_rate(self) -> float | None:
        return self.clicked / self.sent if self.sent else None


def _sum(column: str = "n", **where: object) -> Coalesce:
    return Coalesce(Sum(column, filter=Q(**where)), 0)


_COUNTS = {
    "planned": _sum(),
    "waiting": _sum(state=State.QUEUED),
    "held": _sum(state=State.HELD),
    "sent": _sum(state__in=WENT),
    "suppressed": _sum(state=State.SUPPRESSED),
    "failed": _sum(state__in=[State.FAILED, State.EXPIRED]),
    "unknown": _sum(state=State.UNKNOWN),
    "opened": _sum("opened"),
    "clicked": _sum("clicked"),
    "bounced": _sum(state=State.BOUNCED),
}


def funnel(origin: str, origin_id: int) -> Funnel:
    return Funnel(**MessageCount.objects.filter(origin=origin, origin_id=origin_id).aggregate(**_COUNTS))


def funnels(origin: str, ids: list[int]) -> dict[int, Funnel]:
    """The same for the rows of a list, in one query; programmes without messages are left out."""
    rows = MessageCount.objects.filter(origin=origin, origin_id__in=ids).order_by().values("origin_id")
    return {row.pop("origin_id"): Funnel(**row) for row in rows.annotate(**_COUNTS) if row["planned"]}


def reasons(origin: str, origin_id: int) -> list[dict[str, object]]:
    """Why messages of a programme wait or did not leave: [{"state", "reason", "label", "count"}], largest first."""
    rows = (
        MessageCount.objects.filter(origin=origin, origin_id=origin_id)
        .exclude(reason="")
        .exclude(state__in=WENT)
        .values("state", "reason")
        .annotate(count=Sum("n"))
        .exclude(count=0)
        .order_by("-count", "state", "reason")
    )
    return [{**row, "label": reason_label(row["reason"]), "state_label": State(row["state"]).label} for row in rows]


def campaign_result(campaign: Campaign) -> dict[str, object]:
    """What a campaign's page shows of its sends: two reads of the kept counts, and its waves."""
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
