from collections import defaultdict
from datetime import timedelta

from django import forms
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from campaigns import coupons
from campaigns.enums import BatchState, Origin
from journeys import local_time
from journeys.models import Enrolment
from journeys.steps.base import Kind, Problem, StepForm, Told

SOLD_OUT = "sold_out"


class CouponForm(StepForm):
    batch = forms.TypedChoiceField(label=_("Coupon batch"), coerce=int, empty_value=None)

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        choices = [
            (batch.pk, format_lazy(_("{name} · {n} left"), name=batch.name, n=batch.left))
            for batch in self.names.batches.values()
        ]
        self.fields["batch"].choices = [("", _("Choose …")), *choices]


class CouponStep(Kind):
    """Give a coupon of a batch; later messages of the run may name its code."""

    key, label, icon, tone, group = "coupon", _("Coupon"), "ticket", "c-xhs", "act"
    form = CouponForm

    def new(self):
        return {"batch": None}, []

    def tell(self, step, names):
        batch = names.batches.get(step["config"].get("batch"))
        if batch is None:
            return Told(step["name"] or _("Choose a batch"))
        return Told(step["name"] or batch.name, format_lazy(_("Valid for {days} days"), days=batch.valid_days))

    def check(self, step, names):
        wanted = step["config"].get("batch")
        batch = names.batches.get(wanted)
        if batch is None:
            text = _("The chosen coupon batch no longer exists.") if wanted else _("Choose the coupon batch.")
            yield Problem(step["key"], text)
        elif batch.left <= 0:
            text = _("Coupon batch “{name}” has none left. Add stock or choose another batch.")
            yield Problem(step["key"], format_lazy(text, name=batch.name))
        elif batch.state != BatchState.ACTIVE:
            text = _("Coupon batch “{name}” is not active.")
            yield Problem(step["key"], format_lazy(text, name=batch.name))

    def enter(self, people, node, walk):
        without = []
        for (journey_id, prefix), group in _keys(people, node.key).items():
            codes = coupons.issue(
                node.config["batch"],
                [person.contact_id for person in group],
                prefix,
                origin=Origin.JOURNEY,
                origin_id=journey_id,
                events=walk.events,
            )
            details = coupons.fields(codes.values())
            for person in group:
                code = codes.get(person.contact_id)
                if code is None:
                    without.append(person)
                else:
                    person.keep("coupon", details[code])
        missing = {person.id for person in without}
        walk.leave([person for person in people if person.id not in missing], "next")
        walk.leave(without, SOLD_OUT)

    def rehearse(self, node, rehearsal):
        batch = rehearsal.names.batches.get(node.config.get("batch"))
        if batch is None:
            rehearsal.add(_("No coupon batch is chosen."))
        elif batch.left <= 0:
            rehearsal.add(format_lazy(_("The batch {name} has no coupon left."), name=batch.name), tone="t-warn")
        else:
            ends = (rehearsal.now + timedelta(days=batch.valid_days)).astimezone(local_time.company_zone())
            rehearsal.coupon = {
                "code": "ABCD2345",
                "value": f"{batch.value.normalize():f}",
                "name": batch.name,
                "ends_on": ends.date().isoformat(),
            }
            rehearsal.add(format_lazy(_("Gets a coupon of the batch {name}."), name=batch.name))
        return "next"


def _keys(people, key):
    """People by journey and idempotency prefix: the how-manieth run of the contact and the visit, so that a second run gets a
    second coupon and a repeated attempt does not."""
    rows = Enrolment.objects.filter(
        journey_id__in={person.journey_id for person in people}, contact_id__in={person.contact_id for person in people}
    ).values_list("journey_id", "contact_id", "id")
    runs = defaultdict(list)
    for journey_id, contact_id, pk in rows:
        runs[journey_id, contact_id].append(pk)
    groups = defaultdict(list)
    for person in people:
        run = sum(pk < person.id for pk in runs[person.journey_id, person.contact_id])
        groups[person.journey_id, f"j:{person.journey_id}:{key}:{run}:{person.visit}"].append(person)
    return groups


KIND = CouponStep()
