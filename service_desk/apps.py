"""The service desk: conversations, tickets, SLA clocks, routing, the bot, knowledge and satisfaction.

It stands between journeys and campaigns in the import chain and is the home of everything an agent does with a customer who
asks for something. Conversations and tickets are here today; docs/roadmap.md says what is not.
"""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ServiceDeskConfig(AppConfig):
    name = "service_desk"
    verbose_name = _("Service desk")
