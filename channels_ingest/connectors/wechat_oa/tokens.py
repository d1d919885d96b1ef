"""The access token of an Official Account: kept sealed in Postgres, refreshed by one process at a time.

Source: WeChat developer documentation, "Get stable access token" (cgi-bin/stable_token): asking again before the token's end
gives the same token; ``force_refresh`` invalidates the old one at once and is allowed 20 times a day, 30 s apart.
"""

from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext_noop

from channels_ingest.connectors.base import ConnectorError, held_secrets
from channels_ingest.connectors.wechat_oa.errors import failure, unreachable
from channels_ingest.models import Channel, ChannelToken
from channels_ingest.quota import count_call
from scrm.lib import clock, crypto, http

MARGIN = timedelta(minutes=5)
"""A token that ends within this time is not used any more."""
REFUSED_AGAIN = gettext_noop(
    "WeChat refuses the access token right after it was renewed. Check the AppID and AppSecret, and that no other system "
    "renews the token of this account."
)
_PURPOSE = "channel token"
_TIMEOUT_SECONDS = 5.0


def current(channel: Channel) -> str:
    """A token that is good for the next minutes. No lock and no call unless it has to be fetched. Raises ConnectorError."""
    row = ChannelToken.objects.filter(channel=channel).first()
    if row is not None and row.refused_at:
        raise refusal()
    return _good(row) or replace(channel, "")


def replace(channel: Channel, refused: str) -> str:
    """A token other than ``refused`` ("" when the old one simply ended). Whoever comes second finds the first one's token.

    A refused token that was itself the answer to a refusal ends it: the platform will not take a third, so the account is
    broken and nobody asks again before a person does (ConnectorError.channel_broken).
    """
    with transaction.atomic():
        ChannelToken.objects.bulk_create([ChannelToken(channel=channel)], ignore_conflicts=True)
        row = ChannelToken.objects.select_for_update(no_key=True).get(channel=channel)
        if row.refused_at:
            raise refusal()
        held = _good(row)
        if held and held != refused:
            return held
        value, seconds = _fetch(channel, force=bool(refused))
        row.value = crypto.seal(value, _PURPOSE)
        row.refreshed_at = clock.real_now()
        row.expires_at = row.refreshed_at + timedelta(seconds=seconds)
        row.save()
    return value


def refuse(channel: Channel, refused: str) -> None:
    """The platform refuses the token that replaced a refused one: remember it until ``forgive``."""
    with transaction.atomic():
        row = ChannelToken.objects.select_for_update(no_key=True).filter(channel=channel).first()
        if row is not None and _opened(row) == refused:
            row.refused_at = clock.real_now()
            row.save(update_fields=["refused_at"])


def forgive(channel: Channel) -> None:
    """A person wants to try again, or changed the credentials: start from nothing."""
    ChannelToken.objects.filter(channel=channel).delete()


def refusal() -> ConnectorError:
    return ConnectorError(REFUSED_AGAIN, permanent=False, code="40001", channel_broken=True)


def _good(row: ChannelToken | None) -> str:
    if row is None or not row.value or not row.expires_at or row.expires_at - MARGIN <= clock.real_now():
        return ""
    return _opened(row)


def _opened(row: ChannelToken) -> str:
    try:
        return crypto.unseal_text(row.value, _PURPOSE) if row.value else ""
    except crypto.CannotOpen:
        return ""


def _fetch(channel: Channel, *, force: bool) -> tuple[str, int]:
    """One call. A new token and the seconds it lives."""
    asked = {
        "grant_type": "client_credential",
        "appid": channel.settings.get("app_id", ""),
        "secret": held_secrets(channel).get("app_secret", ""),
        "force_refresh": force,
    }
    count_call(channel, "token")
    try:
        url = f"{settings.WECHAT_API_URL}/cgi-bin/stable_token"
        answer = http.request("POST", url, json=asked, timeout=_TIMEOUT_SECONDS)
        told = answer.json()
    except http.HttpFailed as error:
        raise unreachable(error.reason) from error
    if not isinstance(told, dict) or not told.get("access_token"):
        code = int(told.get("errcode") or 0) if isinstance(told, dict) else 0
        text = str(told.get("errmsg") or "") if isinstance(told, dict) else ""
        raise failure(code, text, fetching_token=True)
    return str(told["access_token"]), int(told.get("expires_in") or 7200)
