from django.apps import AppConfig


class CampaignsConfig(AppConfig):
    """Everything we send: content, campaigns, coupons, and ``sending/``, the one ledger with its gates and dispatcher."""

    name = "campaigns"
