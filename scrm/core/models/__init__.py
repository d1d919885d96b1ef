from scrm.core.models.company import Company
from scrm.core.models.log import AuditEntry, FirstRunToken, LoginAttempt, Notification
from scrm.core.models.people import Role, Team, User, fold_email

__all__ = [
    "AuditEntry",
    "Company",
    "FirstRunToken",
    "LoginAttempt",
    "Notification",
    "Role",
    "Team",
    "User",
    "fold_email",
]
