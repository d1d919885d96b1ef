from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from channels_ingest.models import Channel
from scrm.core.enums import Permission
from scrm.core.first_steps import Step
from scrm.core.models import User


def steps(user: User) -> list[Step]:
    """The first account, until something has really come in or gone out by one."""
    if not user.can(Permission.CHANNELS_EDIT):
        return []
    accounts = list(Channel.objects.order_by("id")[:50])
    title = _("Connect a channel")
    if accounts and not any(account.proven for account in accounts):
        text = _("“{name}” is set up here, and nothing has come in or gone out yet.").format(name=accounts[0].name)
        return [Step("plug-connected", title, text, accounts[0].get_absolute_url(), _("Go on"), False)]
    text = _(
        "Followers, visitors and mail come in through channels. Each one shows what to type at the platform's side."
    )
    label = pgettext("channel", "Connect")
    return [Step("plug-connected", title, text, reverse("channels_ingest:channel_add"), label, bool(accounts))]
