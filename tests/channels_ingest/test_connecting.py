"""What leads an administrator through connecting an account: signs of life, what is wrong and what to do, keys anew."""

import base64
import json

import pytest
from django.urls import reverse
from oa_wire import signed_query

from channels_ingest import actions, collector, edge, ingest
from channels_ingest.connectors.wechat_oa import errors
from channels_ingest.enums import BadReason, Kind, State
from channels_ingest.models import Channel
from channels_ingest.progress import odd_port, only_here, signs
from channels_ingest.remedies import input_remedy, remedy
from scrm.core import first_steps
from scrm.core.models import AuditEntry
from scrm.lib import crypto


def state_of(client, channel: Channel) -> str:
    page = client.get(channel.get_absolute_url(), HTTP_HX_REQUEST="true").content.decode()
    return page.partition('id="channel-state" hx-swap-oob="true">')[2].partition("</span>")[0]


def test_an_account_is_not_active_before_something_proves_it(oa, admin, client_for, client, call_back, fixture_xml):
    staff = client_for(admin)
    assert "Not proven yet" in state_of(staff, oa) and not oa.proven
    assert [sign.at for sign in signs(oa)] == [None, None, None]
    refused = client.get(f"/in/wechat_oa/{oa.token}/?{signed_query(token='anothertoken')}&echostr=1")
    assert refused.status_code == 403 and Channel.objects.get().verified_at is None
    assert "is not the same here and at WeChat" in staff.get(oa.get_absolute_url()).content.decode()
    answer = client.get(f"/in/wechat_oa/{oa.token}/?{signed_query()}&echostr=4711")
    assert answer.content == b"4711"
    oa.refresh_from_db()
    assert [bool(sign.at) for sign in signs(oa)] == [True, False, False] and not oa.proven
    call_back(oa, fixture_xml("subscribe"))
    ingest.run_once()
    oa.refresh_from_db()
    assert oa.proven and [bool(sign.at) for sign in signs(oa)] == [True, False, True]
    assert "Active" in state_of(staff, oa)


def test_a_refused_secret_says_what_to_do_and_is_over_when_it_works(oa, admin, client_for, platform):
    client = client_for(admin)
    check = reverse("channels_ingest:channel_check", args=[oa.pk])
    platform.answers["/cgi-bin/stable_token"] = [{"errcode": 40125, "errmsg": "invalid appsecret"}]
    client.post(check)
    oa.refresh_from_db()
    assert oa.state == State.BROKEN and "Broken" in state_of(client, oa)
    assert "Reset the AppSecret at WeChat" in client.get(oa.get_absolute_url()).content.decode()

    platform.answers["/cgi-bin/stable_token"] = [{"access_token": "T2", "expires_in": 7200}]
    platform.answers["/cgi-bin/user/get"] = [{"total": 3, "count": 0}]
    edit = reverse("channels_ingest:channel_edit", args=[oa.pk])
    assert "•••••••• saved" in client.get(edit).content.decode()
    client.post(edit, {"name": oa.name, "app_id": oa.settings["app_id"], "mode": "safe", "app_secret": "the-right-one"})
    oa.refresh_from_db()
    assert oa.state == State.ACTIVE and "Last call failed" in state_of(client, oa)  # nothing has worked since
    client.post(check)
    oa.refresh_from_db()
    assert oa.present_error == "" and "Active" in state_of(client, oa)
    assert "It has worked again since." in client.get(oa.get_absolute_url()).content.decode()


def test_a_platform_that_cannot_be_reached(oa, admin, client_for, settings):
    settings.WECHAT_API_URL = "http://127.0.0.1:9"
    page = client_for(admin).post(reverse("channels_ingest:channel_check", args=[oa.pk]), follow=True).content.decode()
    assert "check its name service, firewall and proxy" in page and "Errno" not in page and "HTTPConnection" not in page


def test_what_to_do_is_known_for_what_a_person_can_mend():
    for code in (40013, 40125, 40164, 41004, 48001, 50002, 89503):
        assert remedy(errors.failure(code, fetching_token=True).reason), code
    assert input_remedy(Kind.WECHAT_OA, BadReason.SIGNATURE) and not input_remedy("", BadReason.KEY)


@pytest.mark.parametrize(
    ("url", "here", "odd"),
    [
        ("http://127.0.0.1:8000", True, True),
        ("http://10.1.2.3", True, False),
        ("http://scrm:8000", True, True),
        ("https://scrm.example.com", False, False),
        ("https://scrm.example.com:8443", False, True),
    ],
)
def test_an_address_that_wechat_cannot_call(settings, url, here, odd):
    settings.PUBLIC_URL = url
    assert (only_here(), odd_port()) == (here, odd)
    settings.DEMO = True
    assert (only_here(), odd_port()) == (False, False)


def test_a_new_server_key_ends_the_old_one(web, admin, cast, client_for, client):
    def send(key: str) -> int:
        collector.forget()
        head = "Basic " + base64.b64encode(f"{key}:".encode()).decode()
        body = json.dumps({"userId": "u", "event": "Hello"})
        return client.post("/v1/track", body, "application/json", HTTP_AUTHORIZATION=head).status_code

    rotate = reverse("channels_ingest:channel_rotate", args=[web.pk])
    old = collector.server_key(web)
    assert send(old) == 200
    for name, user in cast.items():
        if name != "admin":
            assert client_for(user).post(rotate).status_code == 403, name
    assert send(old) == 200
    staff = client_for(admin)
    assert staff.post(rotate).status_code == 302
    new = collector.server_key(Channel.objects.get())
    assert new != old and new.partition(".")[0] == web.token
    assert (send(old), send(new), send(web.token)) == (401, 200, 200)
    secret = new.partition(".")[2]
    assert AuditEntry.objects.filter(verb="channel.key_rotated", by=admin).count() == 1
    assert not any(secret in str(entry.details) for entry in AuditEntry.objects.all())
    assert secret not in staff.get(web.get_absolute_url()).content.decode()


def test_buttons_of_another_kind_are_404(oa, web, admin, client_for):
    client = client_for(admin)
    assert client.post(reverse("channels_ingest:channel_rotate", args=[oa.pk])).status_code == 404
    assert client.post(reverse("channels_ingest:channel_test_mail", args=[web.pk])).status_code == 404


def test_the_example_of_a_site_is_taken(web, admin, client_for, client):
    page = client_for(admin).get(web.get_absolute_url())
    words = page.context["example"]
    body = words.partition("-d '")[2].partition("'")[0]
    head = "Basic " + base64.b64encode(f"{web.token}:".encode()).decode()
    assert client.post("/v1/track", body, "application/json", HTTP_AUTHORIZATION=head).status_code == 200
    ingest.run_once()
    web.refresh_from_db()
    assert web.proven and not page.context["signs"][0].at and signs(web)[0].at


def test_secrets_whose_key_is_gone_can_be_typed_again(oa, admin, client_for, settings):
    Channel.objects.filter(pk=oa.pk).update(credentials=crypto.seal(b"{}", "another purpose"))
    oa.refresh_from_db()
    assert oa.held == {}
    client = client_for(admin)
    edit = reverse("channels_ingest:channel_edit", args=[oa.pk])
    values = {"name": oa.name, "app_id": oa.settings["app_id"], "mode": "safe"}
    assert client.get(edit).status_code == 200
    assert "app_secret" in client.post(edit, values).context["form"].errors
    assert client.post(edit, {**values, "app_secret": "new"}).status_code == 302
    oa.refresh_from_db()
    assert oa.secrets["app_secret"] == "new" and oa.secrets["token"]


def test_the_first_step_leads_to_the_account_that_waits(admin, marketer, oa):
    def step():
        return first_steps.steps_for(admin)[0]

    assert step().done is False and step().url == oa.get_absolute_url()
    edge.note_verified(oa)
    assert step().done is False
    Channel.objects.update(checked_at=edge.clock.real_now())
    assert step().done is True
    Channel.objects.all().delete()
    assert step().done is False and step().url == reverse("channels_ingest:channel_add")
    assert all("/channels/" not in one.url for one in first_steps.steps_for(marketer))
    actions.create_channel(kind="web", name="S", settings={}, credentials={}, by=None)
    assert step().done is False
