"""The Weibo double and our connector talk to each other: two implementations of one wire, real HTTP."""

import pytest
from django.db import connections

from channels_ingest import actions, collector, ingest, polling
from channels_ingest.connectors.base import ConnectorError, Rendered
from channels_ingest.connectors.registry import CONNECTORS
from channels_ingest.models import Poll
from contacts.models import Event, Identity
from scrm.lib import clock


@pytest.fixture
def product(live_server, settings):
    held = connections.settings["default"]
    before, held["CONN_MAX_AGE"] = held["CONN_MAX_AGE"], 0
    settings.PUBLIC_URL = live_server.url
    yield live_server.url
    held["CONN_MAX_AGE"] = before


@pytest.fixture
def weibo(product, sandbox, settings):
    settings.WEIBO_API_URL = sandbox.url
    channel = actions.create_channel(
        kind="weibo",
        name="山野微博",
        settings={"uid": "2861234567", "app_key": "12345678", "poll_seconds": 60},
        credentials={"app_secret": "app-secret", "access_token": "2.00token"},
        by=None,
    )
    told = sandbox.post(
        "/setup/weibo",
        {
            "uid": "2861234567",
            "app_secret": "app-secret",
            "access_token": "2.00token",
            "callback_url": channel.webhook_url,
        },
    )
    assert told["verified"], told["problem"]
    sandbox.connect()
    return channel


@pytest.fixture
def shop(product, sandbox):
    site = {"site_url": "https://shop.example", "origins": []}
    secret = {"server_secret": "server-secret-0001"}
    web = actions.create_channel(kind="web", name="shop", settings=site, credentials=secret, by=None)
    keys = {"write_key": web.token, "server_key": collector.server_key(web)}
    sandbox.post("/setup/shop", {**keys, "collector_url": product})
    return web


def settle(sandbox) -> None:
    Poll.objects.update(next_at=clock.real_now())
    while polling.run_once():
        pass
    while ingest.run_once():
        pass


def send(channel, uid, rendered):
    with CONNECTORS["weibo"].open(channel) as link:
        return link.send(uid, rendered, "key")


def test_bound_comment_message_and_answers(weibo, shop, sandbox):
    who = sandbox.person()
    sandbox.post("/act", {"openid": who, "kind": "weibo_bind"})
    settle(sandbox)
    bound = Identity.objects.get(kind="weibo_uid")
    sandbox.post("/act", {"openid": who, "kind": "weibo_comment", "text": "鞋底开胶了！"})
    sandbox.post("/act", {"openid": who, "kind": "weibo_comment", "text": "什么时候有黑色？", "stranger": True})
    settle(sandbox)
    told = Event.objects.get(kind="commented", contact_id=bound.contact_id).properties
    assert told["text"] == "鞋底开胶了！" and told["post_text"]
    assert Event.objects.filter(kind="commented").exclude(contact_id=bound.contact_id).count() == 1
    uid = sandbox.get("/record/weibo_comments.json")["weibo_comments"][0]["uid"]
    with pytest.raises(ConnectorError) as closed:
        send(weibo, uid, Rendered("text", text="抱歉"))
    assert closed.value.window_closed, "no private message yet"
    under = Rendered(
        "comment", text="抱歉，请私信我们订单号", data={name: told[name] for name in ("comment_id", "post_id")}
    )
    assert send(weibo, uid, under).platform_id
    sandbox.post("/act", {"openid": who, "kind": "weibo_message", "text": "订单 1001", "wait": 5})
    settle(sandbox)
    assert Event.objects.get(kind="message_in").contact_id == bound.contact_id
    assert send(weibo, uid, Rendered("text", text="给您换一双新的")).platform_id
    ours = [row for row in sandbox.get("/record/weibo_comments.json")["weibo_comments"] if row["reply_to"]]
    assert [row["text"] for row in ours] == ["抱歉，请私信我们订单号"]
    settle(sandbox)
    assert Event.objects.filter(kind="commented").count() == 2, "our own reply is no comment of a customer"
