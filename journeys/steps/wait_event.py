import json

from django import forms
from django.db import connection
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from journeys.enums import Unit
from journeys.event_names import WAITABLE, event_choices, event_label
from journeys.steps.base import Kind, Problem, StepForm, Told
from journeys.times import LONGEST, duration, duration_text

HAPPENED, TIMED_OUT = "happened", "timed_out"
SINCE = [("step", _("From this step on")), ("entry", _("Since entering the journey"))]


class WaitEventForm(StepForm):
    event = forms.ChoiceField(label=_("Wait until the customer"))
    amount = forms.IntegerField(label=_("At most"), min_value=1, max_value=100_000)
    unit = forms.ChoiceField(label=_("Unit"), choices=Unit.choices)
    since = forms.ChoiceField(label=_("What counts"), choices=SINCE)

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["event"].choices = event_choices(WAITABLE, self.initial.get("event"), self.data.get("event"))

    def config(self):
        data = self.cleaned_data
        return {
            "event": data["event"],
            "timeout": {"amount": data["amount"], "unit": data["unit"] or Unit.DAYS.value},
            "since": data["since"] or "step",
        }

    @classmethod
    def start(cls, config):
        return {**config, **config.get("timeout", {})}


class WaitEvent(Kind):
    """Wait until the person does something, with a branch for those who don't in time."""

    key, label, icon, tone, group = "wait_event", _("Wait for an event"), "hourglass", "t-warn", "flow"
    form = WaitEventForm
    template = "journeys/steps/_wait_event.html"
    needs_branches = True

    def new(self):
        config = {"event": "", "where": [], "timeout": {"amount": 3, "unit": Unit.DAYS.value}, "since": "step"}
        return config, [
            {"key": HAPPENED, "name": "", "steps": []},
            {"key": TIMED_OUT, "name": "", "steps": []},
        ]

    def tell(self, step, names):
        config = step["config"]
        title = step["name"] or (event_label(config["event"]) if config.get("event") else self.label)
        return Told(title, format_lazy(_("At most {duration}"), duration=duration_text(config.get("timeout", {}))))

    def check(self, step, names):
        config = step["config"]
        if not config.get("event"):
            yield Problem(step["key"], _("Choose the event to wait for."))
        if not config.get("timeout", {}).get("amount"):
            yield Problem(step["key"], _("Without a time-out some people would wait forever. Say how long at most."))
        elif duration(config["timeout"]) > LONGEST:
            yield Problem(step["key"], _("A wait can last two years at most."))

    def enter(self, people, node, walk):
        """Subscribe. What came in since the person got here is found by journeys.subscriptions.check after the commit."""
        config = node.config
        since_step = config.get("since") != "entry"
        with connection.cursor() as cursor:
            cursor.execute(
                'INSERT INTO journeys_subscription (enrolment_id, contact_id, kind, "where", floor_id, floor_at, checked)'
                " SELECT id, contact_id, %(kind)s, %(where)s::jsonb,"
                " CASE WHEN %(step)s THEN greatest(entry_event_id, wake_event_id) ELSE entry_event_id END,"
                " CASE WHEN %(step)s AND wake_event_id = 0 THEN due_at END, false"
                " FROM journeys_enrolment WHERE id = ANY(%(ids)s::bigint[])"
                ' ON CONFLICT (enrolment_id) DO UPDATE SET kind = excluded.kind, "where" = excluded.where,'
                " floor_id = excluded.floor_id, floor_at = excluded.floor_at, checked = false",
                {
                    "kind": config["event"],
                    "where": json.dumps(config.get("where", [])),
                    "step": since_step,
                    "ids": [person.id for person in people],
                },
            )
        walk.park(people, walk.now + duration(config["timeout"]))

    def resume(self, people, node, walk):
        happened = [person for person in people if person.wake == HAPPENED]
        late = [person for person in people if person.wake != HAPPENED]
        if late:
            with connection.cursor() as cursor:
                cursor.execute(
                    "DELETE FROM journeys_subscription WHERE enrolment_id = ANY(%s::bigint[])", [[p.id for p in late]]
                )
        walk.leave(happened, HAPPENED)
        walk.leave(late, TIMED_OUT)

    def rehearse(self, node, rehearsal):
        return rehearsal.choose_event(node, HAPPENED, TIMED_OUT)


KIND = WaitEvent()
