from django.apps import AppConfig


class JourneysConfig(AppConfig):
    """What happens to whom, when: journey definitions, their versions, the people inside and the engine that moves them."""

    name = "journeys"
