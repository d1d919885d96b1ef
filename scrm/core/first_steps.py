"""What a new company does first. Each room tells its steps; ``settings.FIRST_STEPS`` names the functions in order."""

from dataclasses import dataclass

from django.conf import settings
from django.urls import reverse
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from scrm.core.enums import Permission
from scrm.core.models import Company, User


@dataclass(frozen=True, slots=True)
class Step:
    """``done`` None: something to look at, of which nobody can tell whether it is done."""

    icon: str
    title: str
    text: str
    url: str
    label: str
    done: bool | None


def steps_for(user: User) -> list[Step]:
    """All steps that this user may take. One or two small queries a room."""
    return [step for path in settings.FIRST_STEPS for step in import_string(path)(user)]


def company_steps(user: User) -> list[Step]:
    if not user.can(Permission.ROLES_EDIT):
        return []
    company, people = Company.get(), User.objects.active().count()
    if company.quiet_start == company.quiet_end:
        quiet = _("No quiet hours: marketing goes out at any time of the day.")
    else:
        quiet = _("Marketing waits from {start} to {end} in the customer's own time zone.").format(
            start=company.quiet_start.strftime("%H:%M"), end=company.quiet_end.strftime("%H:%M")
        )
    so_far = ngettext("{n} person can log in so far.", "{n} people can log in so far.", people).format(n=people)
    return [
        Step("moon-stars", _("Check quiet hours and caps"), quiet, reverse("core:company"), _("Check"), None),
        Step("users-plus", _("Add your colleagues"), so_far, reverse("core:user_add"), _("Add"), people > 1),
    ]
