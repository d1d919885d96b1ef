"""Tells the sandbox about the demo's channels, over its own setup address."""

import logging
import time
from collections.abc import Iterator
from typing import Any

from django.conf import settings

from channels_ingest import collector
from channels_ingest.models import Channel
from contacts import identity
from contacts.enums import IdentityKind
from contacts.models import Identity
from scrm.demo.company import HOOK_TOKEN, NAME, OA_APP_ID, OA_SECRETS, SCENES, WRITE_KEY
from scrm.lib import http

log = logging.getLogger(__name__)
PATIENCE_SECONDS = 20


def connect() -> bool:
    """True when the sandbox took it. It starts beside us, so wait for it a little; without one the demo works all the same.

    Done at every start: the sandbox may have been reset, or the ports may be others than last time.
    """
    oa = Channel.objects.filter(kind="wechat_oa", settings__app_id=OA_APP_ID).first()
    if oa is None:
        return False
    account = {
        "appid": OA_APP_ID,
        "secret": OA_SECRETS["app_secret"],
        "token": OA_SECRETS["token"],
        "aes_key": OA_SECRETS["aes_key"],
        "callback_url": oa.webhook_url,
        "name": NAME,
        "verify": False,
        "scenes": [{"scene": scene, "label": label} for scene, label in SCENES],
        "followers": list(_followers(oa)),
    }
    web = Channel.objects.filter(kind="web", token=WRITE_KEY).first()
    shop = {"write_key": WRITE_KEY, "collector_url": settings.PUBLIC_URL, "name": NAME}
    if web is not None:
        shop["server_key"] = collector.server_key(web)
    orders = Channel.objects.filter(kind="webhook", token=HOOK_TOKEN).first()
    if orders is not None:
        shop |= {"hook_url": orders.webhook_url, "hook_key": orders.secrets["key"]}
    return _post("/setup/oa", account) and _post("/setup/shop", shop) and _connect_weibo()


def _connect_weibo() -> bool:
    channel = Channel.objects.filter(kind="weibo").order_by("pk").first()
    if channel is None:
        return True
    account = {
        "uid": channel.settings["uid"],
        **{name: channel.secrets[name] for name in ("app_secret", "access_token")},
        "callback_url": channel.webhook_url,
        "name": NAME,
        "verify": False,
    }
    return _post("/setup/weibo", account)


def _followers(oa: Channel) -> Iterator[dict[str, Any]]:
    """The company's followers, so that the double of the platform knows to whom it may deliver."""
    rows = Identity.objects.filter(kind=IdentityKind.OPENID, scope=oa.pk, reachable=True).select_related("contact")
    for row in rows.order_by("pk"):
        said_at = row.last_inbound_at
        yield {
            "openid": identity.address(row),
            "name": row.contact.name,
            "message_at": said_at.timestamp() if said_at else None,
        }


def _post(path: str, data: dict) -> bool:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            answer = http.request("POST", f"{settings.SANDBOX_PUBLIC_URL}{path}", json=data, timeout=3)
            if answer.status == 200:
                return True
            log.warning("sandbox %s: %s %s", path, answer.status, answer.body[:200])
            return False
        except http.HttpFailed as error:
            if time.monotonic() > deadline:
                log.warning("sandbox %s: %s", path, error)
                return False
            time.sleep(0.5)
