"""Addresses of tickets, their settings and the rating page; part of service_desk.urls."""

from django.urls import path

from service_desk.views import desk, rating, ticket, ticket_acts

urlpatterns = [
    path("s/<str:token>", rating.rate, name="rate"),
    path("service/tickets/", ticket.ticket_list, name="ticket_list"),
    path("service/tickets/new/", ticket.ticket_new, name="ticket_new"),
    path("service/tickets/<int:pk>/", ticket.ticket, name="ticket"),
    path("service/tickets/<int:pk>/link/", ticket.ticket_link, name="ticket_link"),
    path("service/tickets/<int:pk>/accept/", ticket_acts.ticket_accept, name="ticket_accept"),
    path("service/tickets/<int:pk>/assign/", ticket_acts.ticket_assign, name="ticket_assign"),
    path("service/tickets/<int:pk>/priority/", ticket_acts.ticket_priority, name="ticket_priority"),
    path("service/tickets/<int:pk>/pending/", ticket_acts.ticket_pending, name="ticket_pending"),
    path("service/tickets/<int:pk>/solve/", ticket_acts.ticket_solve, name="ticket_solve"),
    path("service/tickets/<int:pk>/reopen/", ticket_acts.ticket_reopen, name="ticket_reopen"),
    path("service/tickets/<int:pk>/dismiss/", ticket_acts.ticket_dismiss, name="ticket_dismiss"),
    path("service/settings/", desk.desk_policies, name="desk_policies"),
    path("service/settings/promises/new/", desk.policy_edit, name="policy_new"),
    path("service/settings/promises/<int:pk>/", desk.policy_edit, name="policy_edit"),
    path("service/settings/promises/<int:pk>/remove/", desk.policy_remove, name="policy_remove"),
    path("service/settings/hours/", desk.desk_hours, name="desk_hours"),
    path("service/settings/agents/", desk.desk_agents, name="desk_agents"),
    path("service/settings/agents/<int:pk>/", desk.agent_edit, name="agent_edit"),
    path("service/settings/channels/<int:pk>/", desk.channel_route, name="channel_route"),
    path("service/settings/detector/", desk.desk_detector, name="desk_detector"),
]
