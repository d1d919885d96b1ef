"""The one company this installation works for."""

import time
from datetime import time as clock_time
from typing import Any
from zoneinfo import available_timezones

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _

_ZONE_SECONDS = 5
_zones: dict[str, tuple[float, str]] = {}
CURRENCIES = [
    ("CNY", _("Chinese yuan (CNY)")),
    ("HKD", _("Hong Kong dollar (HKD)")),
    ("TWD", _("New Taiwan dollar (TWD)")),
    ("USD", _("US dollar (USD)")),
    ("EUR", _("Euro (EUR)")),
    ("GBP", _("British pound (GBP)")),
    ("JPY", _("Japanese yen (JPY)")),
    ("SGD", _("Singapore dollar (SGD)")),
]


def check_time_zone(value: str) -> None:
    if value not in available_timezones():
        raise ValidationError(_("“%(zone)s” is not a time zone of the IANA database."), params={"zone": value})


def default_time_zone() -> str:
    return settings.COMPANY_TIME_ZONE


def default_caps() -> dict[str, int]:
    return {"day": 2, "week": 5, "month": 15}


class Company(models.Model):
    """A singleton; read it with ``Company.get()``."""

    name = models.CharField(_("Company name"), max_length=80, default="")
    time_zone = models.CharField(_("Time zone"), max_length=64, default=default_time_zone, validators=[check_time_zone])
    currency = models.CharField(_("Currency"), max_length=3, choices=CURRENCIES, default="CNY")
    """Orders in another one are kept and listed, but are no revenue."""
    quiet_start = models.TimeField(_("Quiet from"), default=clock_time(22))
    quiet_end = models.TimeField(_("Quiet until"), default=clock_time(8))
    """Wall-clock in the contact's zone. Start after end means overnight; equal means no quiet hours."""
    caps = models.JSONField(_("Frequency caps"), default=default_caps)
    """Most marketing messages one person gets in a window: {"day": n, "week": n, "month": n}; absent = no cap."""

    class Meta:
        verbose_name = _("company")
        constraints = [models.CheckConstraint(condition=models.Q(pk=1), name="company_is_one")]

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        super().save(*args, **kwargs)
        _zones.clear()

    @classmethod
    def get(cls) -> "Company":
        """The row, or its defaults unsaved before the first run. One query, never writes."""
        return cls.objects.filter(pk=1).first() or cls(pk=1)

    @classmethod
    def zone(cls) -> str:
        """Name of the company's time zone. Kept for some seconds in this process, since every page asks."""
        return cls._kept("zone")

    @classmethod
    def money(cls) -> str:
        """The company's currency, kept like the zone."""
        return cls._kept("currency")

    @classmethod
    def _kept(cls, what: str) -> str:
        known = _zones.get(what)
        if known is None or time.monotonic() - known[0] > _ZONE_SECONDS:
            company, now = cls.get(), time.monotonic()
            _zones.update(zone=(now, company.time_zone), currency=(now, company.currency))
            known = _zones[what]
        return known[1]
