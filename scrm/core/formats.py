"""How numbers, dates and contact points are written (the rules of the design: figures, minus U+2212, missing is a dash).
Pure functions over the active language; the template tags are thin wrappers around them."""

from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

from django.utils import timezone
from django.utils.dateformat import format as date_format
from django.utils.translation import get_language, gettext, ngettext, pgettext

MISSING = "—"
MINUS = "\u2212"
Number = int | float | Decimal

_SYMBOLS = {"CNY": "¥", "USD": "$", "EUR": "€", "GBP": "£", "JPY": "JP¥", "HKD": "HK$", "TWD": "NT$"}
_CHINESE_UNITS = ((Decimal(10) ** 8, "亿"), (Decimal(10) ** 4, "万"))
_ENGLISH_UNITS = ((Decimal(10) ** 9, "B"), (Decimal(10) ** 6, "M"), (Decimal(10) ** 3, "k"))


def in_chinese() -> bool:
    return (get_language() or "zh").startswith("zh")


def _rounded(value: Number, digits: int) -> Decimal:
    return Decimal(str(value)).quantize(Decimal(1).scaleb(-digits), rounding=ROUND_HALF_UP)


def _grouped(value: Decimal) -> str:
    """With thousands commas and a real minus sign; minus zero is zero."""
    return f"{abs(value):,}" if value >= 0 else f"{MINUS}{abs(value):,}"


def _short(value: Number) -> str:
    amount = Decimal(str(value))
    for size, unit in _CHINESE_UNITS if in_chinese() else _ENGLISH_UNITS:
        if abs(amount) >= size:
            scaled = _rounded(amount / size, 1)
            return _grouped(scaled.quantize(Decimal(1)) if scaled == scaled.to_integral() else scaled) + unit
    return _grouped(_rounded(amount, 0))


def count(value: Number | None, short: bool = False) -> str:
    """12,486; short: 1.2万 (12.5k)."""
    if value is None:
        return MISSING
    return _short(value) if short else _grouped(_rounded(value, 0))


def money(value: Number | None, *, cents: bool = False, short: bool = False, currency: str = "CNY") -> str:
    """¥1,286,400; with ``cents`` (single orders) ¥268.00; ``short`` (cards, axes) ¥128.6万. Units, not cents, go in."""
    if value is None:
        return MISSING
    text = _short(value) if short else _grouped(_rounded(value, 2 if cents else 0))
    symbol = _SYMBOLS.get(currency, f"{currency} ")
    return f"{MINUS}{symbol}{text[1:]}" if text.startswith(MINUS) else f"{symbol}{text}"


def pct(value: Number | None, digits: int = 1) -> str:
    """A ratio (0.382) as 38.2%."""
    if value is None:
        return MISSING
    return f"{_grouped(_rounded(Decimal(str(value)) * 100, digits))}%"


def signed(text: str) -> str:
    """Plus in front of what is not negative."""
    return text if text.startswith((MINUS, MISSING)) else f"+{text}"


def points(value: Number | None) -> str:
    """A difference of two ratios (0.012) as +1.2pp."""
    if value is None:
        return MISSING
    return signed(f"{_grouped(_rounded(Decimal(str(value)) * 100, 1))}pp")


def span(low: Number, high: Number, **options: object) -> str:
    """A money interval with an en dash: ¥356,000–¥468,000."""
    return f"{money(low, **options)}–{money(high, **options)}"


def absolute(moment: datetime) -> str:
    return timezone.localtime(moment).strftime("%Y-%m-%d %H:%M:%S")


def day(moment: datetime) -> str:
    """A heading: 11月20日 周四, with the year when it is another one."""
    local = timezone.localtime(moment)
    other_year = local.year != timezone.localtime().year
    if in_chinese():
        return f"{date_format(local, 'Y年n月j日' if other_year else 'n月j日')} 周{'一二三四五六日'[local.weekday()]}"
    return date_format(local, "D, M j, Y" if other_year else "D, M j")


def when(moment: datetime | None, now: datetime) -> str:
    """Past: 12 分钟前, 14:20, 昨天, 11-20, 2024-03-16. Coming: 14:20, 明天 08:00, 11-22 08:00, 2026-01-02."""
    if moment is None:
        return MISSING
    local, today = timezone.localtime(moment), timezone.localtime(now)
    days = (local.date() - today.date()).days
    age = now - moment
    if timedelta() <= age < timedelta(minutes=1):
        return gettext("just now")
    if timedelta() <= age < timedelta(hours=1):
        minutes = int(age.total_seconds() // 60)
        return ngettext("%(n)s min ago", "%(n)s min ago", minutes) % {"n": minutes}
    clock = local.strftime("%H:%M")
    if days == 0:
        return clock
    if days == -1:
        return gettext("yesterday")
    if days == 1:
        return gettext("tomorrow %(time)s") % {"time": clock}
    if local.year != today.year:
        return local.strftime("%Y-%m-%d")
    date = local.strftime("%m-%d") if in_chinese() else date_format(local, "M j")
    return f"{date} {clock}" if days > 0 else date


def duration(seconds: Number | None) -> str:
    """A length of time in its two largest units; a dash when there is none."""
    if seconds is None:
        return "—"
    total = max(0, round(float(seconds)))
    if total < 60:
        return gettext("%(s)s s") % {"s": total}
    minutes, hours, days = total // 60 % 60, total // 3600 % 24, total // 86400
    if days:
        return gettext("%(d)s d %(h)s h") % {"d": days, "h": hours}
    return gettext("%(h)s h %(m)s min") % {"h": hours, "m": minutes} if hours else gettext("%(m)s min") % {"m": minutes}


def left(until: datetime, now: datetime) -> str:
    """A countdown: 17:48 (minutes), 3:48 hours, above a day in words; overdue with a minus."""
    seconds = int((until - now).total_seconds())
    sign, seconds = (MINUS, -seconds) if seconds < 0 else ("", seconds)
    if seconds < 3600:
        return f"{sign}{seconds // 60:02}:{seconds % 60:02}"
    if seconds < 86400:
        return sign + pgettext("countdown in hours", "%(time)s h") % {
            "time": f"{seconds // 3600}:{seconds % 3600 // 60:02}"
        }
    days, hours = seconds // 86400, seconds % 86400 // 3600
    text = ngettext("%(n)s day", "%(n)s days", days) % {"n": days}
    return sign + (f"{text} " + ngettext("%(n)s hour", "%(n)s hours", hours) % {"n": hours} if hours else text)


def masked_phone(value: str) -> str:
    """138****8888. A number of the mainland loses its +86; short numbers keep only their end."""
    if not value:
        return MISSING
    text = value.strip().replace(" ", "").replace("-", "").removeprefix("+86")
    if len(text) < 8:
        return "****" + text[-2:]
    return f"{text[:3]}****{text[-4:]}"


def masked_email(value: str) -> str:
    """lin.x***@163.com: at most the first half and five characters of the local part stay."""
    if not value:
        return MISSING
    local, at, domain = value.strip().rpartition("@")
    if not at:
        return "***"
    return f"{local[: min(5, len(local) // 2)]}***@{domain}"


def shortened(value: object, keep: int = 4) -> str:
    """An id with its middle left out: oABC…9xYz."""
    text = str(value or "")
    if not text:
        return MISSING
    return text if len(text) <= keep * 2 + 3 else f"{text[:keep]}…{text[-keep:]}"
