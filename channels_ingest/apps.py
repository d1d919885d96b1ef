from django.apps import AppConfig


class ChannelsIngestConfig(AppConfig):
    """The doors: channel accounts, the durable inbox of raw callbacks, and the connectors that read and write each platform."""

    name = "channels_ingest"
