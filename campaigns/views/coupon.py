from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from campaigns.actions.coupon import BelowIssued, save_batch
from campaigns.enums import BatchState, CouponState
from campaigns.forms.coupon import CouponBatchForm
from campaigns.models import CouponBatch
from contacts.models import Contact
from scrm.core.access import fetch, requires
from scrm.core.enums import Permission
from scrm.core.lists import Facet, Search, listing
from scrm.core.pages import done, render_page
from scrm.lib import clock


@requires(Permission.CONTENT_EDIT)
def batch_list(request: HttpRequest) -> HttpResponse:
    page = listing(
        request,
        CouponBatch.objects.all(),
        sorts={"created": "-created_at", "name": "name"},
        facets=[Facet("state", _("State"), BatchState.choices, lambda rows, values: rows.filter(state__in=values))],
        search=Search(_("Name"), lambda rows, text: rows.filter(name__icontains=text)),
    )
    return render_page(request, "campaigns/batch_list.html", {"page": page})


@requires(Permission.CONTENT_EDIT)
def batch_new(request: HttpRequest) -> HttpResponse:
    return _editor(request, None)


@requires(Permission.CONTENT_EDIT)
def batch_edit(request: HttpRequest, pk: int) -> HttpResponse:
    return _editor(request, fetch(CouponBatch, pk=pk))


def _editor(request: HttpRequest, batch: CouponBatch | None) -> HttpResponse:
    form = CouponBatchForm(request.POST or None, instance=batch)
    if request.method == "POST" and form.is_valid():
        try:
            saved = save_batch(batch=batch, by=request.user, **form.cleaned_data)
            return done(request, "campaigns:batch_detail", _("“{name}” is saved.").format(name=saved.name), pk=saved.pk)
        except BelowIssued:
            form.add_error("stock", _("More were given out in the meantime."))
    status = 422 if request.method == "POST" else 200
    return render(request, "campaigns/batch_edit.html", {"form": form, "batch": batch}, status=status)


@requires(Permission.CONTENT_EDIT)
def batch_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """A batch and who got its coupons; people outside the user's scope are not listed."""
    batch = fetch(CouponBatch, pk=pk)
    seen = (
        Contact.objects.visible_to(request.user)
        if request.user.can(Permission.CONTACTS_VIEW)
        else Contact.objects.none()
    )
    page = listing(
        request,
        batch.coupons.filter(contact__in=seen.values("pk")).select_related("contact"),
        sorts={"issued": "-id"},
        facets=[Facet("state", _("State"), CouponState.choices, _in_state)],
        search=Search(_("Code"), lambda rows, text: rows.filter(code=text.upper())),
    )
    numbers = batch.coupons.aggregate(redeemed=Count("id", filter=Q(state=CouponState.REDEEMED)))
    return render_page(request, "campaigns/batch_detail.html", {"page": page, "batch": batch, **numbers})


def _in_state(rows: QuerySet, values: list[str]) -> QuerySet:
    """As the pages show it: an unused coupon past its date counts as expired."""
    over = Q(state=CouponState.ISSUED, expires_at__lte=clock.now())
    found = Q(state__in=[value for value in values if value != CouponState.ISSUED])
    if CouponState.ISSUED in values:
        found |= Q(state=CouponState.ISSUED) & ~over
    return rows.filter(found | over if CouponState.EXPIRED in values else found)
