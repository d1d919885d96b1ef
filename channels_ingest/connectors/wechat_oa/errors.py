"""WeChat's error codes as ConnectorErrors. Decided by the code, never by the text.

Source: WeChat developer documentation, "Global return codes".
"""

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.utils.translation import gettext_noop

from channels_ingest.connectors.base import ConnectorError
from scrm.lib import clock

TOKEN_REFUSED = {40001, 40014, 42001}
"""Replace the token once, then give up (tokens.replace)."""
_BEIJING = ZoneInfo("Asia/Shanghai")

_BROKEN = {
    40013: gettext_noop("WeChat does not know this AppID."),
    40125: gettext_noop("WeChat refuses the AppSecret."),
    40164: gettext_noop("The address of this server is not in the account's IP white list at WeChat."),
    41002: gettext_noop("The AppID is missing."),
    41004: gettext_noop("The AppSecret is missing."),
    48001: gettext_noop("This account is not allowed to use this WeChat interface."),
    50002: gettext_noop("WeChat has restricted this account."),
    61024: gettext_noop("The access token of this account must be fetched by its open platform."),
    89503: gettext_noop("WeChat asks the account's administrator to confirm this server's address."),
}
"""Nothing will work before a person changes something."""
_GONE = {
    40003: gettext_noop("This openid is not known to the account."),
    43004: gettext_noop("The person does not follow the account."),
}
_WINDOW = {
    45015: gettext_noop("The reply window is closed: the person has not written within 48 hours, or has left."),
    45047: gettext_noop("The messages allowed since the person's last act are used up."),
}
QUOTA_USED = gettext_noop("The day's quota of this WeChat interface is used up.")
UNREACHABLE = gettext_noop("WeChat cannot be reached.")
NO_ANSWER = gettext_noop("WeChat gave no readable answer; the message may have arrived.")
_BUSY = {-1: 10, 45011: 60, 50001: 60}
"""Code to seconds before the next try."""


def reason_of(code: int) -> str:
    """The sentence of a code that breaks the account."""
    return _BROKEN[code]


def failure(code: int, text: str = "", *, fetching_token: bool = False) -> ConnectorError:
    """What the code means for us. ``text`` is only quoted for codes we do not know."""
    number = str(code)
    if code in _BROKEN or (fetching_token and code in TOKEN_REFUSED):
        reason = _BROKEN.get(code, _BROKEN[40125])
        return ConnectorError(reason, permanent=False, code=number, channel_broken=True)
    if code in _GONE:
        return ConnectorError(_GONE[code], permanent=True, code=number, address_gone=True)
    if code in _WINDOW:
        return ConnectorError(_WINDOW[code], permanent=True, code=number, window_closed=True)
    if code == 45009:
        return ConnectorError(QUOTA_USED, permanent=False, code=number, retry_at=quota_reset())
    if code in _BUSY:
        again = clock.real_now() + timedelta(seconds=_BUSY[code])
        return ConnectorError(gettext_noop("WeChat is busy."), permanent=False, code=number, retry_at=again)
    if code == 45002:
        return ConnectorError(gettext_noop("The message is too long for WeChat."), permanent=True, code=number)
    return ConnectorError(f"WeChat answered {code}: {text[:120]}", permanent=True, code=number)


def unreachable(detail: str) -> ConnectorError:
    """No connection, or no answer to a question that changes nothing: asking again is harmless."""
    again = clock.real_now() + timedelta(seconds=10)
    return ConnectorError(UNREACHABLE, permanent=False, code="unreachable", detail=detail, retry_at=again)


def unknown(detail: str) -> ConnectorError:
    return ConnectorError(NO_ANSWER, permanent=False, code="no_answer", detail=detail, unknown=True)


def quota_reset() -> datetime:
    """Daily quotas start again at midnight in Beijing (real time)."""
    today = clock.real_now().astimezone(_BEIJING).date()
    return datetime.combine(today + timedelta(days=1), time(0, 1), _BEIJING)
