"""Weibo, both ways: callbacks signed by an implementation of the test's own, and a scripted platform on loopback."""

import hashlib
import json
import threading
import time
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from django.utils import timezone

from channels_ingest import ingest, polling
from channels_ingest.actions import check_channel, create_channel
from channels_ingest.connectors.base import ConnectorError, Rendered
from channels_ingest.connectors.registry import CONNECTORS
from channels_ingest.connectors.weibo.inbound import EVENTS, MESSAGES
from channels_ingest.enums import State
from channels_ingest.models import BadInput, Channel, Delivery, Poll
from contacts.models import Contact, Event, Identity

FIXTURES = Path(__file__).parent / "fixtures" / "weibo"
SECRET = "weibo-app-secret"


class Weibo(BaseHTTPRequestHandler):
    """Feeds with Weibo's paging, and a list of scripted answers for everything else."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        path, query = urlsplit(self.path).path, parse_qs(urlsplit(self.path).query)
        self.server.calls.append((path, {name: values[0] for name, values in query.items()}))
        feed = path.removeprefix("/2/").removesuffix(".json")
        if path in self.server.answers or feed not in self.server.feeds:
            return self._scripted(path)
        since, most = int(query["since_id"][0]), int(query["max_id"][0])
        found = [item for item in self.server.feeds[feed] if item["id"] > since and (not most or item["id"] <= most)]
        found = sorted(found, key=lambda item: -item["id"])[: int(query["count"][0])]
        return self._answer({"statuses" if feed.startswith("statuses") else "comments": found})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        path = urlsplit(self.path).path
        self.server.calls.append((path, {name: values[0] for name, values in parse_qs(body).items()}))
        self._scripted(path)

    def _scripted(self, path: str) -> None:
        answer = self.server.answers.get(path, {"id": 991, "idstr": "991", "result": True})
        if answer is None:
            self.close_connection = True
            self.connection.close()
            return
        self._answer(answer)

    def _answer(self, told: dict) -> None:
        data = json.dumps(told).encode()
        self.send_response(400 if "error_code" in told else 200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *args) -> None:
        pass


@pytest.fixture
def platform(settings):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Weibo)
    server.daemon_threads = True
    server.calls, server.answers = [], {}
    server.feeds = {"comments/to_me": [], "comments/mentions": [], "statuses/mentions": []}
    settings.WEIBO_API_URL = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def weibo(db) -> Channel:
    return create_channel(
        kind="weibo",
        name="山野微博",
        settings={"uid": "2861234567", "app_key": "12345678", "poll_seconds": 60},
        credentials={"app_secret": SECRET, "access_token": "2.00token"},
        by=None,
    )


def fixture(name: str) -> dict:
    return json.loads((FIXTURES / f"{name}.json").read_text(encoding="utf-8"))


def query(at: int | None = None, secret: str = SECRET) -> str:
    moment, nonce = str(at if at is not None else int(time.time())), "nonce1"
    signature = hashlib.sha1("".join(sorted([secret, moment, nonce])).encode()).hexdigest()
    return f"signature={signature}&timestamp={moment}&nonce={nonce}"


def post(client, channel, told, **how):
    body = told if isinstance(told, bytes) else json.dumps(told, ensure_ascii=False).encode()
    return client.post(f"/in/weibo/{channel.token}/?{query(**how)}", data=body, content_type="application/json")


def settle() -> None:
    while ingest.run_once():
        pass


def read_feeds() -> None:
    Poll.objects.update(next_at=timezone.now())
    while polling.run_once():
        pass
    settle()


def test_the_address_is_verified(client, weibo):
    assert client.get(f"/in/weibo/{weibo.token}/?{query()}&echostr=4711").content == b"4711"
    assert client.get(f"/in/weibo/{weibo.token}/?{query(secret='other')}&echostr=4711").status_code == 403


@pytest.mark.parametrize(
    ("name", "kind", "has"),
    [
        ("text", "message_in", {"type": "text", "text": "私信：鞋底开胶了怎么办"}),
        ("image", "message_in", {"type": "image", "media": "821804469"}),
        ("voice", "message_in", {"type": "voice"}),
        ("position", "message_in", {"type": "location", "latitude": 39.982525}),
        ("mention", "mentioned", {"post_id": "3468123456789"}),
        ("event_follow", "followed", {}),
        ("event_subscribe", "followed", {}),
        ("event_unfollow", "unfollowed", {}),
        ("event_unsubscribe", "unfollowed", {}),
        ("event_scan", "scanned", {"scene": "shop-window"}),
        ("event_click", "menu_clicked", {"type": "click", "key": "shop-window"}),
        ("event_view", "menu_clicked", {"type": "view", "key": "shop-window"}),
    ],
)
def test_every_callback_has_its_event(client, weibo, name, kind, has):
    assert post(client, weibo, fixture(name)).content == b"success"
    assert post(client, weibo, fixture(name)).content == b"success"  # repeated by the platform
    settle()
    event = Event.objects.get()
    assert (event.kind, event.channel, event.account_id) == (kind, "weibo", weibo.pk)
    assert has.items() <= event.properties.items()
    identity = Identity.objects.get()
    assert (identity.kind, identity.trust, identity.contact_id) == ("weibo_uid", 2, event.contact_id)
    assert (identity.last_inbound_at is not None) == (kind == "message_in"), "only a message opens the 48 hours"


def test_every_known_kind_has_a_fixture():
    kinds = {fixture(path.stem)["type"] for path in FIXTURES.glob("*.json") if not path.stem.startswith("feed")}
    assert set(MESSAGES) <= kinds
    shown = {fixture(path.stem)["data"].get("subtype") for path in FIXTURES.glob("event_*.json")}
    assert set(EVENTS) - {"scan_follow"} <= shown


def test_what_is_not_ours_is_refused(client, weibo):
    told = fixture("text")
    assert post(client, weibo, told, secret="wrong").status_code == 403
    assert post(client, weibo, told, at=int(time.time()) - 900).status_code == 403
    assert post(client, weibo, b"{broken").status_code == 400
    assert post(client, weibo, b"[1]").status_code == 400
    assert post(client, weibo, b"{" + b" " * 300_000).status_code == 400
    assert Delivery.objects.count() == 0
    counts = dict(BadInput.objects.values_list("reason", "count"))
    assert counts == {"signature": 1, "stale": 1, "malformed": 2, "oversized": 1}
    assert post(client, weibo, {"type": "hologram", "sender_id": "1"}).status_code == 200
    settle()
    assert Delivery.objects.get().state == "done" and Event.objects.count() == 0


def comment(number: int, author: int = 1404376560, text: str = "好") -> dict:
    user = {"id": author, "idstr": str(author), "screen_name": f"u{author}"}
    return fixture("feed_comment") | {"id": number, "idstr": str(number), "text": text, "user": user}


def test_comments_are_asked_for_once_and_our_own_are_left_out(weibo, platform):
    platform.feeds["comments/to_me"] = [fixture("feed_comment"), comment(7, author=2861234567)]
    platform.feeds["statuses/mentions"] = [fixture("feed_status")]
    read_feeds()
    read_feeds()
    kinds = sorted(Event.objects.values_list("kind", flat=True))
    assert kinds == ["commented", "mentioned"]
    told = Event.objects.get(kind="commented").properties
    assert (
        told["post_id"] == "11488058246" and told["comment_id"] == "12438492184" and told["reply_to"] == "12438490000"
    )
    assert told["text"].startswith("穿了两周") and told["post_text"] == "新款越野跑鞋上架"
    person = Contact.objects.get()
    assert (person.name, person.source_kind, person.attributes["weibo_followers"]) == ("跑山的阿泽", "weibo", 1369)
    assert Poll.objects.get(feed="comments").since == 12438492184


def test_a_storm_of_comments_is_read_to_the_last_one(weibo, platform):
    platform.feeds["comments/to_me"] = [comment(number) for number in range(1, 4)]
    read_feeds()
    platform.feeds["comments/to_me"] += [comment(number) for number in range(100, 330)]
    Poll.objects.update(next_at=timezone.now())
    assert polling.run_once()  # the first page; what arrives now is newer than the page
    platform.feeds["comments/to_me"] += [comment(number) for number in range(1000, 1020)]
    read_feeds()
    read_feeds()
    assert Event.objects.filter(kind="commented").count() == 3 + 230 + 20
    row = Poll.objects.get(feed="comments")
    assert (row.since, row.until, row.top) == (1019, 0, 0)


def test_a_worker_that_died_after_the_answer_loses_and_doubles_nothing(weibo, platform, monkeypatch):
    platform.feeds["comments/to_me"] = [comment(number) for number in range(1, 60)]
    polling._add_missing()
    with monkeypatch.context() as patch:
        patch.setattr(polling, "_keep", lambda poll, page: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            polling.run_once()
    Poll.objects.update(leased_until=timezone.now() - timedelta(seconds=1))
    read_feeds()
    assert Event.objects.filter(kind="commented").count() == 59


def test_a_late_worker_does_not_move_the_place_back(weibo, platform):
    platform.feeds["comments/to_me"] = [comment(number) for number in range(1, 5)]
    polling._add_missing()
    late = polling._claim()
    page = CONNECTORS["weibo"].poll(weibo, "comments", 0, 0)
    Poll.objects.update(leased_until=None)
    read_feeds()
    before = Poll.objects.get(pk=late.pk).since
    polling._keep(late, page)
    assert Poll.objects.get(pk=late.pk).since == before and Delivery.objects.count() == 4


def test_a_refused_token_breaks_the_account_and_stops_the_asking(weibo, platform, admin):
    platform.answers["/2/comments/to_me.json"] = {"error": "expired_token", "error_code": 21327, "request": "/2/…"}
    read_feeds()
    weibo.refresh_from_db()
    assert weibo.state == State.BROKEN and "Access Token" in weibo.broken_reason
    before = len(platform.calls)
    read_feeds()
    assert len(platform.calls) == before


def test_a_limit_is_waited_for(weibo, platform):
    platform.answers["/2/comments/to_me.json"] = {"error": "User requests out of rate limit!", "error_code": 10023}
    read_feeds()
    row = Poll.objects.get(feed="comments")
    assert row.failures == 1 and row.next_at > timezone.now() + timedelta(minutes=9)
    weibo.refresh_from_db()
    assert weibo.state == State.ACTIVE and weibo.last_error


def send(channel, rendered):
    with CONNECTORS["weibo"].open(channel) as link:
        return link.send("1404376560", rendered, "key")


def test_private_messages_and_comment_replies_on_the_wire(weibo, platform):
    assert send(weibo, Rendered("text", text="抱歉，给您换新的 & 寄出")).platform_id == "991"
    path, fields = platform.calls[-1]
    assert path == "/2/messages/reply.json" and fields["receiver_id"] == "1404376560" and fields["type"] == "text"
    assert json.loads(unquote(fields["data"])) == {"text": "抱歉，给您换新的 & 寄出"}
    assert fields["access_token"] == "2.00token"
    send(weibo, Rendered("comment", text="已私信您", data={"comment_id": "12438492184", "post_id": "11488058246"}))
    path, fields = platform.calls[-1]
    assert path == "/2/comments/reply.json"
    assert (fields["cid"], fields["id"], fields["comment"]) == ("12438492184", "11488058246", "已私信您")


@pytest.mark.parametrize(
    ("told", "flags"),
    [
        ({"error_code": 20201}, {"permanent"}),
        ({"error_code": 20003}, {"permanent", "address_gone"}),
        ({"error_code": 10016}, {"permanent", "window_closed"}),
        ({"error_code": 21332}, {"channel_broken"}),
        ({"error_code": 10001}, {"retry_at"}),
        ({"error_code": 99999, "error": "new"}, {"permanent"}),
        (None, {"unknown"}),
    ],
)
def test_answers_that_say_no(weibo, platform, told, flags):
    platform.answers["/2/messages/reply.json"] = told
    with pytest.raises(ConnectorError) as caught:
        send(weibo, Rendered("text", text="hello"))
    error = caught.value
    known = ("permanent", "address_gone", "window_closed", "channel_broken", "unknown", "retry_at")
    assert {name for name in known if getattr(error, name)} == flags


def test_too_long_is_not_tried(weibo, platform):
    for rendered in (Rendered("text", text="长" * 301), Rendered("comment", text="长" * 141, data={"comment_id": "1"})):
        with pytest.raises(ConnectorError, match="too long"):
            send(weibo, rendered)
    assert platform.calls == []


def test_the_check_says_whose_token_it_is(weibo, platform, admin):
    platform.answers["/2/account/get_uid.json"] = {"uid": 2861234567}
    assert check_channel(weibo, by=admin) == (True, "2861234567", "")
    platform.answers["/2/account/get_uid.json"] = {"uid": 999999999}
    worked, reason, _code = check_channel(weibo, by=admin)
    assert not worked and "another" in reason


def test_a_bound_account_is_believed_from_the_server_only(client, web, weibo, platform):
    import base64

    from channels_ingest import collector

    def identify(key: str, uid: str, message: str) -> None:
        head = {"HTTP_AUTHORIZATION": "Basic " + base64.b64encode(f"{key}:".encode()).decode()}
        told = {"userId": "u-1", "traits": {"weibo_uid": uid}, "messageId": message}
        assert client.post("/v1/identify", told, content_type="application/json", **head).status_code == 200
        settle()

    identify(web.token, "1404376560", "m1")
    assert not Identity.objects.filter(kind="weibo_uid").exists()
    identify(collector.server_key(web), "1404376560", "m2")
    bound = Identity.objects.get(kind="weibo_uid")
    platform.feeds["comments/to_me"] = [fixture("feed_comment")]
    read_feeds()
    assert Event.objects.get(kind="commented").contact_id == bound.contact_id


def test_the_pages_in_the_browser(client_for, admin, marketer, weibo):
    page = client_for(admin).get(f"/channels/{weibo.pk}/")
    assert page.status_code == 200 and weibo.webhook_url in page.content.decode()
    data = {"name": "B", "uid": "12x", "app_key": "1", "app_secret": "", "access_token": "", "poll_seconds": "1"}
    answer = client_for(admin).post("/channels/add/weibo/", data)
    assert answer.status_code == 422
    assert set(answer.context["form"].errors) == {"uid", "app_key", "app_secret", "access_token", "poll_seconds"}
    good = {
        "name": "B",
        "uid": "2869999999",
        "app_key": "123456",
        "app_secret": "s",
        "access_token": "t",
        "poll_seconds": "30",
    }
    assert client_for(marketer).post("/channels/add/weibo/", good).status_code == 403
    assert client_for(admin).post("/channels/add/weibo/", good).status_code == 302
    assert client_for(admin).post("/channels/add/weibo/", {**good, "name": "C"}).context["form"].errors["uid"]
