"""Connect an account from the command line, with the checks of the form."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from channels_ingest import actions, collector
from channels_ingest.connectors.registry import CONNECTORS
from channels_ingest.enums import Kind


class Command(BaseCommand):
    help = (
        "Connect a channel: channel_add wechat_oa name=… app_id=… app_secret=… [token=…] [aes_key=…] [follow_reply=…]; "
        "channel_add weibo name=… uid=… app_key=… app_secret=… access_token=… [poll_seconds=…]; "
        "channel_add email name=… host=… port=… security=none|starttls|ssl from_address=…; channel_add web name=… site_url=…; "
        "channel_add webhook name=… [key=whsec_…]. "
        "Prints what to type on the other side. path=… fixes the secret part of the address (or the public write key)."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("kind", choices=sorted(CONNECTORS))
        parser.add_argument("values", nargs="*", metavar="key=value")

    def handle(self, *args: Any, kind: str, values: list[str], **options: Any) -> None:
        given = dict(part.partition("=")[::2] for part in values)
        path = given.pop("path", "")
        if path and not (path.isalnum() and path.isascii() and 16 <= len(path) <= 64):
            raise CommandError("path must be 16 to 64 letters and digits")
        form_class = CONNECTORS[kind].form
        unknown = sorted(given.keys() - form_class.base_fields.keys())
        if unknown:
            raise CommandError(f"{kind} has no {', '.join(unknown)}; it has {', '.join(form_class.base_fields)}")
        defaults = {name: field.initial for name, field in form_class.base_fields.items() if field.initial is not None}
        form = form_class({**defaults, **given})
        if not form.is_valid():
            raise CommandError(
                "\n".join(f"{name}: {' '.join(map(str, errors))}" for name, errors in form.errors.items())
            )
        channel = actions.create_channel(
            kind=kind,
            name=form.cleaned_data["name"],
            settings=form.settings_values(),
            credentials=form.credential_values(),
            by=None,
            token=path,
        )
        self._tell(channel)

    def _tell(self, channel) -> None:
        held = channel.secrets
        told = {"id": channel.pk}
        if channel.kind == Kind.WECHAT_OA:
            told |= {"URL": channel.webhook_url, "Token": held["token"], "EncodingAESKey": held["aes_key"]}
        elif channel.kind == Kind.WEIBO:
            told |= {"URL": channel.webhook_url}
        elif channel.kind == Kind.WEB:
            told |= {
                "host": channel.webhook_url,
                "write key": channel.token,
                "server key": collector.server_key(channel),
            }
        elif channel.kind == Kind.WEBHOOK:
            told |= {"URL": channel.webhook_url, "key": held["key"]}
        for name, value in told.items():
            self.stdout.write(f"{name}: {value}")
