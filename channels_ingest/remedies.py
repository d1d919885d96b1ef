"""What a person can do about it: by the sentence of a connector's error, and by the reason why input was refused."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from channels_ingest.connectors.base import KEY_IS_GONE
from channels_ingest.connectors.email import outbound as mail
from channels_ingest.connectors.wechat_oa import errors as oa
from channels_ingest.enums import BadReason, Kind

_OF_ERROR: dict[str, Promise] = {
    oa.reason_of(40013): _("Copy the AppID once more from WeChat and correct it under “Edit”."),
    oa.reason_of(40125): _(
        "Reset the AppSecret at WeChat, which shows it only once, and type the new one under “Edit”. Other systems that use "
        "this account need the new one too."
    ),
    oa.reason_of(40164): _(
        "Add the public address of this server to the IP white list at WeChat, wait a minute and check again."
    ),
    oa.reason_of(41004): _("Type the AppSecret under “Edit”."),
    oa.reason_of(48001): _(
        "The interface needs a verified (certified) account; look at the account's permissions at WeChat."
    ),
    oa.reason_of(50002): _("Look at the notices of the account at WeChat; after it is lifted, try again."),
    oa.reason_of(89503): _(
        "The administrator of the account gets a message from WeChat: confirm it there, then try again."
    ),
    oa.UNREACHABLE: _(
        "This server must be able to call WeChat's interface over HTTPS: check its name service, firewall and proxy. "
        "WECHAT_API_URL says where it calls."
    ),
    mail.UNREACHABLE: _("Check server, port and encryption under “Edit”: 587 goes with STARTTLS, 465 with SSL/TLS."),
    mail.LOG_IN_REFUSED: _(
        "Type user name and password again. Many providers want an authorisation code instead of the mailbox's password."
    ),
    mail.NO_TLS: _("Try 465 with SSL/TLS, or give the name that stands in the server's certificate."),
    KEY_IS_GONE: _("Type all secrets again under “Edit”; the backup's keys folder holds the old key."),
}
_OF_INPUT: dict[tuple[str, str], Promise] = {
    (Kind.WECHAT_OA, BadReason.SIGNATURE): _(
        "Token, or the encryption mode, is not the same here and at WeChat. Compare both sides and submit again at WeChat."
    ),
    (Kind.WECHAT_OA, BadReason.UNDECRYPTABLE): _(
        "EncodingAESKey or AppID is not the same here and at WeChat. Copy the key shown here to WeChat and submit again."
    ),
    (Kind.WECHAT_OA, BadReason.STALE): _("The clock of this server is wrong, or somebody repeats an old request."),
    (Kind.WEB, BadReason.KEY): _(
        "The secret behind the write key is not (or no longer) right: copy the server key again."
    ),
    (Kind.WEB, BadReason.ORIGIN): _(
        "The page's site is not among the allowed sites. Add it under “Edit” if it is yours."
    ),
}


def remedy(reason: str) -> Promise | str:
    """What to do about a connector's error, "" when its own sentence says it all."""
    return _OF_ERROR.get(reason, "")


def input_remedy(kind: str, reason: str) -> Promise | str:
    """What to do about refused input of an account of this kind."""
    return _OF_INPUT.get((kind, reason), "")
