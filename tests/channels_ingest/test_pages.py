"""The channel pages: by role, by number of rows, and what each button does."""

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from channels_ingest import actions, edge, ingest
from channels_ingest.connectors.wechat_oa.forms import is_aes_key, new_aes_key
from channels_ingest.enums import BadReason, DeliveryState, State, Trustee
from channels_ingest.models import Channel, Delivery, SceneCode
from contacts.models import Event, PoisonEvent
from scrm.core.models import AuditEntry

SEES = {"admin", "marketer", "manager"}
EDITS = {"admin"}


@pytest.fixture
def objects(oa, web):
    edge.accept(oa, b"<nonsense 13800138000 someone@example.com", trustee=Trustee.PLATFORM)
    ingest.run_once()
    edge.count(oa, BadReason.MALFORMED, detail="x", sample=b"<broken mail=someone@example.com")
    code = SceneCode.objects.create(channel=oa, scene="s", label="Window", ticket="t", url="http://weixin.qq.com/q/abc")
    poison = PoisonEvent.objects.create(
        consumer="contacts.consumers.lifecycle.consume",
        event_id=1,
        occurred_at=timezone.now(),
        error="Boom",
        set_aside_at=timezone.now(),
    )
    return {
        "oa": oa,
        "web": web,
        "delivery": Delivery.objects.dead().get(),
        "bad": oa.bad_inputs.get(),
        "code": code,
        "poison": poison,
    }


def pages(objects) -> dict[str, tuple[str, set[str]]]:
    oa = objects["oa"].pk
    name = "channels_ingest:"
    return {
        "list": (reverse(name + "channel_list"), SEES),
        "detail": (reverse(name + "channel_detail", args=[oa]), SEES),
        "web": (reverse(name + "channel_detail", args=[objects["web"].pk]), SEES),
        "dead": (reverse(name + "dead_letter_list"), SEES),
        "poison": (reverse(name + "poison_list"), SEES),
        "picture": (reverse(name + "scene_picture", args=[objects["code"].pk]), SEES),
        "add": (reverse(name + "channel_add"), EDITS),
        "create oa": (reverse(name + "channel_create", args=["wechat_oa"]), EDITS),
        "create email": (reverse(name + "channel_create", args=["email"]), EDITS),
        "create web": (reverse(name + "channel_create", args=["web"]), EDITS),
        "edit": (reverse(name + "channel_edit", args=[oa]), EDITS),
        "code": (reverse(name + "scene_add", args=[oa]), EDITS),
        "delivery": (reverse(name + "delivery_detail", args=[objects["delivery"].pk]), EDITS),
        "samples": (reverse(name + "bad_input_detail", args=[objects["bad"].pk]), EDITS),
    }


def test_pages_by_role(objects, cast, client_for, client):
    for page, (url, allowed) in pages(objects).items():
        assert client.get(url).status_code == 302, page
        for name, user in cast.items():
            expected = 200 if name in allowed else 403
            assert client_for(user).get(url).status_code == expected, (page, name)


def test_posts_by_role(objects, cast, client_for):
    oa = objects["oa"].pk
    name = "channels_ingest:"
    verbs = ("pause", "resume", "check", "secrets", "test_mail", "rotate")
    urls = [reverse(name + f"channel_{verb}", args=[oa]) for verb in verbs]
    urls += [reverse(name + f"delivery_{verb}", args=[objects["delivery"].pk]) for verb in ("replay", "discard")]
    urls += [reverse(name + "delivery_replay_all"), reverse(name + "poison_replay", args=[objects["poison"].pk])]
    for url in urls:
        assert client_for(cast["admin"]).get(url).status_code == 405
        for who, user in cast.items():
            if who not in EDITS:
                assert client_for(user).post(url).status_code == 403, (url, who)
    assert Channel.objects.get(pk=oa).state == State.ACTIVE


def test_what_is_not_there_is_404(objects, admin, client_for):
    client = client_for(admin)
    for name in ("channel_detail", "channel_edit", "delivery_detail", "bad_input_detail", "scene_picture"):
        assert client.get(reverse(f"channels_ingest:{name}", args=[987654])).status_code == 404
    assert client.get("/channels/add/pigeon/").status_code == 404
    assert client.get(reverse("channels_ingest:scene_add", args=[objects["web"].pk])).status_code == 404


@pytest.mark.parametrize("name", ["channel_list", "dead_letter_list", "poison_list"])
def test_query_count_does_not_grow(objects, admin, client_for, name):
    client = client_for(admin)
    url = reverse(f"channels_ingest:{name}")
    client.get(url)
    with CaptureQueriesContext(connection) as few:
        client.get(url)
    for number in range(30):
        channel = Channel.objects.create(kind="web", name=f"Site {number}", settings={})
        edge.accept(channel, b"{", trustee=Trustee.BROWSER, notes={"call": "track"})
        edge.count(channel, BadReason.KEY)
        PoisonEvent.objects.create(
            consumer="c", event_id=100 + number, occurred_at=timezone.now(), error="x", set_aside_at=timezone.now()
        )
    ingest.run_once()
    with CaptureQueriesContext(connection) as many:
        assert client.get(url).status_code == 200
    assert len(many) <= len(few) and len(many) <= 15


def test_connect_an_official_account_in_the_browser(admin, client_for):
    client = client_for(admin)
    url = reverse("channels_ingest:channel_create", args=["wechat_oa"])
    bad = client.post(url, {"name": "OA", "app_id": "nope", "app_secret": "", "mode": "safe", "aes_key": "short"})
    assert bad.status_code == 422 and not Channel.objects.exists()
    good = client.post(url, {"name": "OA", "app_id": "wx1234567890abcdef", "app_secret": "hush-hush", "mode": "safe"})
    channel = Channel.objects.get()
    assert good.status_code == 302 and good["Location"] == channel.get_absolute_url()
    held = channel.secrets
    assert held["app_secret"] == "hush-hush" and is_aes_key(held["aes_key"]) and len(held["token"]) == 32
    assert b"hush-hush" not in bytes(channel.credentials)
    page = client.get(channel.get_absolute_url()).content.decode()
    assert channel.webhook_url in page
    assert not any(secret in page for secret in held.values())
    assert (
        client.post(
            url, {"name": "Other", "app_id": "wx1234567890abcdef", "app_secret": "x", "mode": "safe"}
        ).status_code
        == 422
    )

    shown = client.post(reverse("channels_ingest:channel_secrets", args=[channel.pk])).content.decode()
    assert held["token"] in shown and held["aes_key"] in shown and "hush-hush" not in shown
    assert AuditEntry.objects.filter(verb="channel.secrets_shown").count() == 1
    for entry in AuditEntry.objects.all():
        assert not any(secret in str(entry.details) for secret in held.values())


def test_an_empty_secret_keeps_the_old_one(oa, admin, client_for):
    client = client_for(admin)
    url = reverse("channels_ingest:channel_edit", args=[oa.pk])
    page = client.get(url).content.decode()
    assert "s3cret" not in page
    before = oa.secrets
    values = {"name": "Renamed", "app_id": oa.settings["app_id"], "mode": "safe", "follow_reply": "hi"}
    assert client.post(url, values).status_code == 302
    oa.refresh_from_db()
    assert oa.name == "Renamed" and oa.settings["follow_reply"] == "hi" and oa.secrets == before
    client.post(url, {**values, "app_secret": "new-one"})
    oa.refresh_from_db()
    assert oa.secrets == {**before, "app_secret": "new-one"}
    entry = AuditEntry.objects.filter(verb="channel.updated").first()
    assert entry.details["credentials"] == ["app_secret"]


def test_mail_and_site_in_the_browser(admin, client_for):
    client = client_for(admin)
    mail = {"name": "Mail", "host": "127.0.0.1", "port": 2525, "security": "none", "from_address": "a@shanye.example"}
    assert client.post(reverse("channels_ingest:channel_create", args=["email"]), mail).status_code == 302
    site = {
        "name": "Shop",
        "site_url": "https://shop.example.com",
        "origins": "https://shop.example.com\nhttp://127.0.0.1:8100",
    }
    assert client.post(reverse("channels_ingest:channel_create", args=["web"]), site).status_code == 302
    web = Channel.objects.get(kind="web")
    assert web.settings["origins"] == ["https://shop.example.com", "http://127.0.0.1:8100"]
    page = client.get(web.get_absolute_url()).content.decode()
    assert f"/t.js?k={web.token}" in page and web.secrets["server_secret"] not in page
    shown = client.post(reverse("channels_ingest:channel_secrets", args=[web.pk])).content.decode()
    assert f"{web.token}.{web.secrets['server_secret']}" in shown
    for channel in Channel.objects.all():
        assert client.get(channel.get_absolute_url()).status_code == 200
        assert client.get(reverse("channels_ingest:channel_edit", args=[channel.pk])).status_code == 200


def test_pause_resume_and_try_again(oa, admin, client_for):
    client = client_for(admin)
    client.post(reverse("channels_ingest:channel_pause", args=[oa.pk]))
    assert Channel.objects.get().state == State.PAUSED and not Channel.objects.active().exists()
    client.post(reverse("channels_ingest:channel_resume", args=[oa.pk]))
    assert Channel.objects.get().state == State.ACTIVE
    actions.mark_broken(oa, "WeChat refuses the AppSecret.")
    assert not actions.mark_broken(oa, "again")
    page = client.get(oa.get_absolute_url()).content.decode()
    assert "WeChat refuses the AppSecret." in page and "Try again" in page
    client.post(reverse("channels_ingest:channel_resume", args=[oa.pk]))
    channel = Channel.objects.get()
    assert (channel.state, channel.broken_reason) == (State.ACTIVE, "")
    verbs = list(AuditEntry.objects.order_by("id").values_list("verb", flat=True))
    assert verbs[-4:] == ["channel.paused", "channel.resumed", "channel.broken", "channel.resumed"]


def test_set_aside_pages_mask_and_replay(objects, admin, client_for, fixture_xml):
    client = client_for(admin)
    delivery = objects["delivery"]
    address = reverse("channels_ingest:delivery_detail", args=[delivery.pk])
    shown = client.get(address).content.decode()
    assert "<html" in shown, "opened in a tab of its own it is a page"
    assert "<html" not in client.get(address, headers={"HX-Request": "true"}).content.decode()
    samples = client.get(reverse("channels_ingest:bad_input_detail", args=[objects["bad"].pk])).content.decode()
    for page in (shown, samples):
        assert "someone@example.com" not in page and "13800138000" not in page and "***@example.com" in page

    from channels_ingest.models.delivery import pack

    Delivery.objects.filter(pk=delivery.pk).update(
        raw=pack(fixture_xml("text").encode())
    )  # as if the parser had learned
    client.post(reverse("channels_ingest:delivery_replay", args=[delivery.pk]))
    ingest.run_once()
    assert Delivery.objects.get(pk=delivery.pk).state == DeliveryState.DONE and Event.objects.count() == 1


def test_discard_wants_a_reason(objects, admin, client_for):
    client = client_for(admin)
    url = reverse("channels_ingest:delivery_discard", args=[objects["delivery"].pk])
    client.post(url, {"reason": ""})
    assert Delivery.objects.dead().count() == 1
    client.post(url, {"reason": "test traffic"})
    assert Delivery.objects.get(pk=objects["delivery"].pk).state == DeliveryState.DISCARDED
    assert (
        "test traffic" in client.get(reverse("channels_ingest:dead_letter_list") + "?state=discarded").content.decode()
    )


def test_replay_all_of_one_account(objects, admin, client_for):
    edge.accept(objects["web"], b"{", trustee=Trustee.BROWSER, notes={"call": "track"})
    ingest.run_once()
    assert Delivery.objects.dead().count() == 2
    client_for(admin).post(reverse("channels_ingest:delivery_replay_all"), {"account": objects["oa"].pk})
    assert Delivery.objects.dead().get().channel == objects["web"]


def test_scene_code_page(oa, admin, client_for, platform):
    client = client_for(admin)
    url = reverse("channels_ingest:scene_add", args=[oa.pk])
    platform.answers["/cgi-bin/qrcode/create"] = [{"errcode": 45009, "errmsg": "x"}]
    assert client.post(url, {"label": "Window", "scene": "w"}).status_code == 422
    oa.quotas.update(exhausted_until=timezone.now() - timedelta(seconds=1))
    platform.answers["/cgi-bin/qrcode/create"] = [{"ticket": "T", "url": "http://weixin.qq.com/q/abc"}]
    assert client.post(url, {"label": "Window", "scene": "w"}).status_code == 302
    picture = client.get(reverse("channels_ingest:scene_picture", args=[SceneCode.objects.get().pk]))
    assert picture["Content-Type"] == "image/svg+xml" and picture.content.startswith(b"<svg")
    assert client.post(url, {"label": "Again", "scene": "w"}).status_code == 422
    assert client.post(url, {"label": "Odd", "scene": "a b"}).status_code == 422


def test_channel_add_command(db, capsys):
    call_command(
        "channel_add",
        "wechat_oa",
        "name=OA",
        "app_id=wxdemo0000000001",
        "app_secret=s",
        "token=abc123",
        "path=0123456789abcdef",
    )
    told = capsys.readouterr().out
    assert "/in/wechat_oa/0123456789abcdef/" in told and "Token: abc123" in told and "EncodingAESKey: " in told
    call_command("channel_add", "web", "name=Shop", "site_url=https://shop.example.com")
    assert "server key: " in capsys.readouterr().out
    call_command(
        "channel_add", "email", "name=Mail", "host=127.0.0.1", "port=25", "security=none", "from_address=a@b.example"
    )
    assert Channel.objects.count() == 3
    with pytest.raises(CommandError, match="app_secret"):
        call_command("channel_add", "wechat_oa", "name=X", "app_id=wxdemo0000000002")
    with pytest.raises(CommandError, match="has no colour"):
        call_command("channel_add", "web", "name=X", "colour=red")


def test_made_keys_are_what_wechat_takes():
    assert all(is_aes_key(new_aes_key()) for _ in range(20))
