from django.apps import AppConfig


class DemoConfig(AppConfig):
    """The demo company and the log that the sandbox shows. Stands left of every room; nothing needs it to work."""

    name = "scrm.demo"
    label = "demo"
