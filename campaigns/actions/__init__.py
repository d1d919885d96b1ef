"""Writes of the campaigns room: keyword-only, atomic, audited."""

from campaigns.actions.campaign import (
    cancel_campaign,
    delete_campaign,
    pause_campaign,
    resume_campaign,
    save_campaign,
    schedule_campaign,
)
from campaigns.actions.content import (
    NotApprovable,
    approve_content,
    archive_content,
    delete_draft,
    new_version,
    save_content,
)

__all__ = [
    "NotApprovable",
    "approve_content",
    "archive_content",
    "cancel_campaign",
    "delete_campaign",
    "delete_draft",
    "new_version",
    "pause_campaign",
    "resume_campaign",
    "save_campaign",
    "save_content",
    "schedule_campaign",
]
