from django.apps import AppConfig


class AnalyticsConfig(AppConfig):
    """What it all earned: roll-ups of the event log, the metric registry and the reports. Nobody imports this room."""

    name = "analytics"
