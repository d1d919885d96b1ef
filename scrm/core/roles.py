"""The roles of a new installation. Sales sees its own contacts with their contact points; marketers and agents see
everybody masked; a manager sees the team and the figures. All of it can be edited in the browser."""

from scrm.core.enums import Permission as P
from scrm.core.enums import RoleKey, Scope

BUILT_IN: dict[str, dict[str, object]] = {
    RoleKey.ADMIN.value: {"permissions": list(P.values), "scope": Scope.ALL.value, "sees_contact_points": True},
    RoleKey.MARKETER.value: {
        "permissions": [
            p.value
            for p in (
                P.CONTACTS_VIEW,
                P.CONTACTS_EDIT,
                P.ORDERS_VIEW,
                P.SEGMENTS_EDIT,
                P.CONTENT_EDIT,
                P.CONTENT_APPROVE,
                P.CAMPAIGNS_EDIT,
                P.CAMPAIGNS_SEND,
                P.JOURNEYS_EDIT,
                P.JOURNEYS_PUBLISH,
                P.CHANNELS_VIEW,
                P.ANALYTICS_VIEW,
                P.ANALYTICS_EDIT,
            )
        ],
        "scope": Scope.ALL.value,
        "sees_contact_points": False,
    },
    RoleKey.SALES.value: {
        "permissions": [
            p.value for p in (P.CONTACTS_VIEW, P.CONTACTS_EDIT, P.CONTACTS_REVEAL, P.ORDERS_VIEW, P.LEADS_WORK)
        ],
        "scope": Scope.OWN.value,
        "sees_contact_points": True,
    },
    RoleKey.AGENT.value: {
        "permissions": [p.value for p in (P.CONTACTS_VIEW, P.CONTACTS_EDIT, P.ORDERS_VIEW, P.SERVICE_WORK)],
        "scope": Scope.ALL.value,
        "sees_contact_points": False,
    },
    RoleKey.MANAGER.value: {
        "permissions": [
            p.value
            for p in (
                P.CONTACTS_VIEW,
                P.ORDERS_VIEW,
                P.LEADS_WORK,
                P.LEADS_MANAGE,
                P.SERVICE_WORK,
                P.SERVICE_MANAGE,
                P.ANALYTICS_VIEW,
                P.ANALYTICS_EDIT,
                P.CHANNELS_VIEW,
                P.AUDIT_VIEW,
            )
        ],
        "scope": Scope.TEAM.value,
        "sees_contact_points": False,
    },
}


def seed(role_model: type) -> None:
    """Create the built-in roles that are missing; existing ones keep what the administrator made of them."""
    for key, values in BUILT_IN.items():
        role_model.objects.get_or_create(key=key, defaults={"name": "", **values})
