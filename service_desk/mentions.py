"""Colleagues named with @ in a note."""

import re

from contacts.models import Contact
from scrm.core.models import User
from service_desk.access import colleagues, may_see


def find(text: str, contact: Contact) -> list[User]:
    """Who is meant, in the order of the text. Longer names win over their beginnings; who may not see the customer is left out."""
    if "@" not in text and "＠" not in text:
        return []
    known = {user.name.casefold(): user for user in colleagues() if may_see(user, contact)}
    if not known:
        return []
    names = "|".join(re.escape(name) for name in sorted(known, key=len, reverse=True))
    found = re.findall(rf"[@＠]({names})", text.casefold())
    return list({known[name].pk: known[name] for name in found}.values())
