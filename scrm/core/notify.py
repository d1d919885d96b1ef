"""Lines behind the bell."""

from collections.abc import Iterable

from django.utils import translation

from scrm.core import live
from scrm.core.enums import Level
from scrm.core.models import Notification, Role, User
from scrm.lib.clock import real_now


def tell(to: User | Role | Iterable[User], text: str, url: str = "", level: Level | str = Level.INFO) -> int:
    """Notify one user, every active user of a role, or several users; answers how many. A lazy ``text`` is written in
    each reader's language, so pass ``gettext_lazy`` or ``format_lazy`` where you can."""
    if isinstance(to, User):
        readers = [to]
    elif isinstance(to, Role):
        readers = list(to.users.filter(is_active=True))
    else:
        readers = list(to)
    moment = real_now()
    rows = []
    for reader in readers:
        with translation.override(reader.language):
            line = str(text)[:300]
        rows.append(Notification(user=reader, text=line, url=url, level=str(level), created_at=moment))
    Notification.objects.bulk_create(rows)
    for reader in readers:
        live.touch_on_commit("bell", reader.pk)
    return len(rows)
