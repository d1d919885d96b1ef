"""Settings of the desk, and the public rating page."""

from datetime import UTC, datetime

import pytest
from desk_world import COMPLAINT, MONDAY, account, event, hear, minutes, person, talk, told
from django.test import Client
from django.urls import reverse

from campaigns.sending import tokens
from contacts.models import Contact
from scrm.core.models import Notification
from scrm.lib import clock
from service_desk import satisfaction
from service_desk.calendar import published_years
from service_desk.enums import SurveyState
from service_desk.forms.desk import read_windows
from service_desk.models import (
    AgentProfile,
    CalendarVersion,
    ChannelDesk,
    Correction,
    DeskSettings,
    SlaPolicy,
    Survey,
    Ticket,
)

pytestmark = pytest.mark.django_db
HOURS = {f"day{n}": "09:00-12:00，13:00-18:00" for n in range(5)} | {"time_zone": "Asia/Shanghai", "holidays": "on"}


@pytest.fixture(autouse=True)
def _now():
    with clock.frozen(MONDAY + minutes(10)):
        yield


def url(name: str, *args) -> str:
    return reverse(f"service_desk:{name}", args=args)


@pytest.mark.parametrize("name", ["desk_policies", "desk_hours", "desk_agents", "desk_detector", "policy_new"])
def test_only_who_manages_the_desk(name, agent, manager, client_for):
    assert client_for(agent).get(url(name)).status_code == 403
    assert client_for(agent).post(url(name), {}).status_code == 403
    assert client_for(manager).get(url(name)).status_code == 200


def test_new_hours_hold_from_now_on_and_move_what_is_due(manager, client_for):
    who, weibo = person(), account()
    talk(who, weibo)
    hear(event(who, weibo, COMPLAINT))
    assert client_for(manager).post(url("desk_hours"), HOURS | {"closed": "2026-07-01, 2026-07-02"}).status_code == 302
    first, second = CalendarVersion.objects.all()
    assert first.valid_from < second.valid_from == clock.now()
    assert second.week[0] == [[540, 720], [780, 1080]] and second.week[6] == []
    assert second.closed == ["2026-07-01", "2026-07-02"]
    assert Ticket.objects.get().look_at == clock.now()


@pytest.mark.parametrize(
    "field, value",
    [
        ("day0", "nine to five"),
        ("day0", "18:00-09:00"),
        ("day0", "09:00-12:00, 11:00-18:00"),
        ("day0", "09:00-25:00"),
        ("time_zone", "Mars/Olympus"),
        ("closed", "31.12.2026"),
    ],
)
def test_bad_hours_are_told_beside_the_field(field, value, manager, client_for):
    answer = client_for(manager).post(url("desk_hours"), HOURS | {field: value})
    assert answer.status_code == 422 and field in answer.context["form"].errors
    assert not CalendarVersion.objects.exists()


def test_a_desk_that_never_opens_is_refused(manager, client_for):
    answer = client_for(manager).post(url("desk_hours"), {"time_zone": "Asia/Shanghai"})
    assert answer.status_code == 422 and answer.context["form"].non_field_errors()


def test_windows_as_people_write_them():
    assert read_windows("9:00 - 12:00, 13：00至24:00") == [[540, 720], [780, 1440]]
    assert read_windows("") == []


def test_the_page_says_which_years_are_not_published(manager, client_for):
    unknown = published_years().stop
    with clock.frozen(datetime(unknown - 1, 6, 1, tzinfo=UTC)):
        assert str(unknown) in client_for(manager).get(url("desk_hours")).content.decode()


def test_a_promise_gets_a_new_version_and_tickets_keep_theirs(manager, client_for):
    who, weibo = person(), account()
    talk(who, weibo)
    hear(event(who, weibo, COMPLAINT))
    held = SlaPolicy.objects.get(priority=3)
    values = {"first_reply_minutes": 5, "next_reply_minutes": "", "resolution_minutes": 60}
    assert client_for(manager).post(url("policy_edit", held.pk), values).status_code == 302
    current = SlaPolicy.objects.get(priority=3, replaced_at=None)
    assert (current.version, current.first_reply_minutes, current.next_reply_minutes) == (2, 5, None)
    assert Ticket.objects.get().policy == held
    bad = client_for(manager).post(url("policy_edit", current.pk), values | {"first_reply_minutes": 0})
    assert bad.status_code == 422 and "first_reply_minutes" in bad.context["form"].errors


def test_a_promise_for_one_kind_can_be_added_and_removed(manager, client_for):
    client = client_for(manager)
    client.get(url("desk_policies"))
    client.post(url("policy_new"), {"priority": 3, "kind": "question", "first_reply_minutes": 5})
    made = SlaPolicy.objects.get(kind="question", replaced_at=None)
    assert client.post(url("policy_remove", made.pk)).status_code == 302
    assert not SlaPolicy.objects.filter(kind="question", replaced_at=None).exists()
    assert client.post(url("policy_remove", SlaPolicy.objects.get(priority=3, kind="").pk)).status_code == 404


def test_rules_of_the_desk(manager, client_for):
    values = {
        "close_hours": 24, "follow_up_days": 10, "accept_seconds": 0, "grace_seconds": 60,
        "capacity": 3, "warn_percent": 50, "low_stars": 3,
    }  # fmt: skip
    assert client_for(manager).post(url("desk_policies"), values).status_code == 302
    row = DeskSettings.get()
    assert (row.close_hours, row.survey, row.capacity) == (24, False, 3)
    bad = client_for(manager).post(url("desk_policies"), values | {"close_hours": 999})
    assert bad.status_code == 422 and "close_hours" in bad.context["form"].errors


def test_agents_and_channels(manager, agent, team, client_for, marketer):
    client, weibo = client_for(manager), account()
    client.post(url("agent_edit", agent.pk), {"capacity": 5, "skills": "鞋类，退款", "takes_work": "on"})
    profile = AgentProfile.objects.get(user=agent)
    assert (profile.capacity, profile.skills, profile.takes_work) == (5, ["鞋类", "退款"], True)
    bad = client.post(url("agent_edit", agent.pk), {"capacity": 0})
    assert bad.status_code == 422 and "capacity" in bad.context["form"].errors
    assert client.get(url("agent_edit", marketer.pk)).status_code == 404
    client.post(url("channel_route", weibo.pk), {"team": team.pk, "skill": "鞋类", "agent_limit": 2})
    assert ChannelDesk.objects.get(account_id=weibo.pk).team == team
    bad = client.post(url("channel_route", weibo.pk), {"agent_limit": "many"})
    assert bad.status_code == 422 and "agent_limit" in bad.context["form"].errors


def test_trying_and_teaching_the_detector(manager, client_for):
    client = client_for(manager)
    said = client.post(url("desk_detector"), {"text": COMPLAINT, "judge": ""})
    assert said.context["verdict"].is_complaint and not Correction.objects.exists()
    client.post(url("desk_detector"), {"text": "这鞋真绝了", "label": "praise", "teach": ""})
    assert Correction.objects.get().label == "praise"
    assert "这鞋真绝了" in client.get(url("desk_detector")).content.decode()
    assert client.post(url("desk_detector"), {"text": ""}).status_code == 422


@pytest.fixture
def survey(agent, manager) -> Survey:
    who, weibo = person(), account()
    talk(who, weibo)
    hear(event(who, weibo, COMPLAINT))
    return Survey.objects.create(
        ticket=Ticket.objects.get(), cycle=1, agent=agent, state=SurveyState.ASKED, asked_at=MONDAY, created_at=MONDAY
    )


def page_of(survey: Survey) -> str:
    return url("rate", tokens.make(satisfaction.TOKEN, survey.pk))


def test_looking_rates_nothing_and_the_first_answer_counts(survey, manager):
    client, address = Client(), page_of(survey)
    for method in (client.get, client.head):
        assert method(address).status_code == 200
    survey.refresh_from_db()
    assert survey.state == SurveyState.ASKED
    assert client.post(address, {"text": "?"}).status_code == 422
    assert client.post(address, {"stars": 9}).status_code == 422
    client.post(address, {"stars": 2, "text": "太慢了"})
    client.post(address, {"stars": 5})
    survey.refresh_from_db()
    assert (survey.stars, survey.text, survey.state) == (2, "太慢了", SurveyState.RATED)
    assert told(survey.ticket)[-1:] == ["satisfaction_rated"]
    assert Notification.objects.filter(user=manager).count() == 1, "few stars are told to the manager"
    assert "2" in client.get(address).content.decode()


def test_only_the_right_token(survey):
    assert Client().get(url("rate", "A" * 20)).status_code == 404
    assert Client().get(url("rate", tokens.make("open", survey.pk))).status_code == 404


@pytest.mark.parametrize("language, word", [("", "满意"), ("en", "How did we do?")])
def test_the_page_speaks_the_customers_language(survey, language, word):
    Contact.objects.filter(pk=survey.ticket.contact_id).update(language=language)
    assert word in Client().get(page_of(survey)).content.decode()
