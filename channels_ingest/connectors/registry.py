"""Every kind of channel, explicitly."""

from channels_ingest.connectors.base import Connector
from channels_ingest.connectors.email import outbound as email_out
from channels_ingest.connectors.email.forms import EmailForm
from channels_ingest.connectors.web import inbound as web_in
from channels_ingest.connectors.web.forms import WebForm
from channels_ingest.connectors.webhook import inbound as webhook_in
from channels_ingest.connectors.webhook.forms import WebhookForm
from channels_ingest.connectors.wechat_oa import inbound as oa_in
from channels_ingest.connectors.wechat_oa import outbound as oa_out
from channels_ingest.connectors.wechat_oa.forms import OaForm
from channels_ingest.connectors.weibo import inbound as weibo_in
from channels_ingest.connectors.weibo import outbound as weibo_out
from channels_ingest.connectors.weibo.forms import WeiboForm
from channels_ingest.enums import Kind
from contacts.enums import ChannelKind, IdentityKind

CONNECTORS: dict[str, Connector] = {
    Kind.WECHAT_OA.value: Connector(
        kind=Kind.WECHAT_OA.value,
        channel_kind=ChannelKind.OA.value,
        identity_kind=IdentityKind.OPENID.value,
        form=OaForm,
        parse=oa_in.parse,
        open=oa_out.open_link,
        check=oa_out.check,
        rendered_kinds=("text", "link", "image", "mini", "template"),
        idempotent_kinds=("template",),
    ),
    Kind.WEIBO.value: Connector(
        kind=Kind.WEIBO.value,
        channel_kind=ChannelKind.WEIBO.value,
        identity_kind=IdentityKind.WEIBO_UID.value,
        form=WeiboForm,
        parse=weibo_in.parse,
        open=weibo_out.open_link,
        check=weibo_out.check,
        feeds=tuple(weibo_out.FEEDS),
        poll=weibo_out.poll,
        rendered_kinds=("text", "comment"),
    ),
    Kind.EMAIL.value: Connector(
        kind=Kind.EMAIL.value,
        channel_kind=ChannelKind.EMAIL.value,
        identity_kind=IdentityKind.EMAIL.value,
        form=EmailForm,
        open=email_out.open_link,
        check=email_out.check,
        rendered_kinds=("email",),
    ),
    Kind.WEB.value: Connector(
        kind=Kind.WEB.value,
        channel_kind=ChannelKind.WEB.value,
        identity_kind=IdentityKind.ANONYMOUS.value,
        form=WebForm,
        parse=web_in.parse,
    ),
    Kind.WEBHOOK.value: Connector(
        kind=Kind.WEBHOOK.value,
        channel_kind=ChannelKind.SHOP.value,
        identity_kind=IdentityKind.CUSTOMER.value,
        form=WebhookForm,
        parse=webhook_in.parse,
    ),
}
