from scrm.core.models.company import Company
from scrm.core.models.log import AuditEntry, FirstRunToken, LoginAttempt, Notification
from scrm.core.models.people import Role, Team, User, fold_email
from scrm.core.models.runtime import Canary, PumpRun

__all__ = [
    "AuditEntry",
    "Canary",
    "Company",
    "FirstRunToken",
    "LoginAttempt",
    "Notification",
    "PumpRun",
    "Role",
    "Team",
    "User",
    "fold_email",
]
