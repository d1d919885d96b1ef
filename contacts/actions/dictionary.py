"""The dictionary of tags. A tag that a rule names stays."""

from django.db import transaction

from contacts import queries
from contacts.models import Tag
from scrm.core import audit
from scrm.core.models import User


class TagInUse(Exception):
    """Rules name the tag; ``users`` says which."""

    def __init__(self, users: list[str]):
        super().__init__(", ".join(users))
        self.users = users


@transaction.atomic
def save_tag(*, tag_id: int | None, name: str, group: str, description: str, by: User) -> Tag:
    """Make a tag or change one. Rules name tags by id, so a new name breaks nothing."""
    tag = Tag.objects.select_for_update().get(pk=tag_id) if tag_id else Tag()
    before = tag.name
    tag.name, tag.group, tag.description = name, group.strip(), description.strip()
    tag.save()
    audit.record(by, "tag.updated" if before else "tag.created", tag, before=before)
    return tag


@transaction.atomic
def delete_tag(*, tag_id: int, by: User) -> int:
    """Take the tag off everybody and out of the dictionary; answers how many contacts had it. Raises TagInUse:
    a rule that names a missing tag is broken."""
    tag = Tag.objects.select_for_update().get(pk=tag_id)
    if users := queries.tag_users(tag.pk):
        raise TagInUse(users)
    carried = tag.taggings.count()
    audit.record(by, "tag.deleted", tag, contacts=carried)
    tag.delete()
    return carried
