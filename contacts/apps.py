from django.apps import AppConfig


class ContactsConfig(AppConfig):
    """Who the customers are: contacts, identities, the event log, tags, segments, stages, orders and consent."""

    name = "contacts"
