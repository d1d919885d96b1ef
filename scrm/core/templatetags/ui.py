"""The parts of the interface as tags, built into every template. Atoms are made here, larger parts in templates/ui/."""

from collections.abc import Sequence
from datetime import datetime
from zlib import crc32

from django import template
from django.apps import apps
from django.forms import BoundField
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import pgettext_lazy

from scrm.core import audit_details, formats, live
from scrm.core.looks import AVATAR_TONES, CHANNELS, DETAILS, NOTE_ICONS, VERBS
from scrm.core.models import Company
from scrm.lib import clock

register = template.Library()

_ARROWS = {"up": pgettext_lazy("change", "up"), "down": pgettext_lazy("change", "down")}

register.filter("masked_phone", formats.masked_phone)
register.filter("masked_email", formats.masked_email)
register.filter("shortened", formats.shortened)
register.filter("duration", formats.duration)
register.simple_tag(formats.count, name="count")
register.simple_tag(formats.pct, name="pct")
register.simple_tag(formats.points, name="points")
register.simple_tag(formats.span, name="money_span")
register.simple_tag(live.key, name="live_key")


@register.simple_tag(name="money")
def money(value: formats.Number | None, *, currency: str = "", **options: bool) -> str:
    """An amount in the company's currency unless another one is named."""
    return formats.money(value, currency=currency or Company.money(), **options)


@register.simple_tag
def ico(icon: str, tone: str = "", size: str = "", name: str = "") -> SafeString:
    """{% ico "users" tone="info" %}: an icon in a tile; ``size`` sm or lg; ``tone`` a tone or a class (c-oa)."""
    return format_html(
        '<span class="ico {} {}"{}><i class="ti ti-{}" aria-hidden="true"></i>{}</span>',
        size,
        _tone(tone),
        format_html(' title="{}"', name) if name else "",
        icon,
        format_html('<span class="visually-hidden">{}</span>', name) if name else "",
    )


@register.simple_tag
def channel(kind: str, size: str = "", label: bool = False) -> SafeString:
    """{% channel "oa" %}: the channel's tile with its name for screen readers; with label=True the name beside it."""
    icon, name = CHANNELS.get(str(kind), CHANNELS["sys"])
    shown = kind if kind in CHANNELS else "sys"
    if label:
        return format_html('<span class="row-x">{}{}</span>', ico(icon, f"c-{shown}", size), name)
    return ico(icon, f"c-{shown}", size, str(name))


@register.simple_tag
def badge(text: object, tone: str = "", icon: str = "") -> SafeString:
    """{% badge _("Running") "info" %}"""
    glyph = format_html('<i class="ti ti-{}" aria-hidden="true"></i>', icon) if icon else ""
    return format_html('<span class="badge {}">{}{}</span>', _tone(tone), glyph, text)


@register.simple_tag
def when(moment: datetime | None, style: str = "", real: bool = False) -> SafeString:
    """{% when contact.last_seen_at %}: relative to business time, the exact time in the title. ``real=True`` for stamps
    in real time (audit, log-ins); ``style`` "day" for headings, "full" for the exact time."""
    if moment is None:
        return SafeString(formats.MISSING)
    now = clock.real_now() if real else clock.now()
    text = {"day": formats.day, "full": formats.absolute}.get(style, lambda m: formats.when(m, now))(moment)
    full = formats.absolute(moment)
    return format_html('<time datetime="{}" title="{}">{}</time>', moment.isoformat(), full, text)


@register.simple_tag
def left(until: datetime | None, real: bool = False) -> str:
    """{% left conversation.reply_until %}: the countdown of the design."""
    return formats.MISSING if until is None else formats.left(until, clock.real_now() if real else clock.now())


@register.simple_tag
def avatar(person: object, size: str = "") -> SafeString:
    """{% avatar contact_or_user %}: the first letter on a tone that stays the same for the person; ``size`` xs, md, lg."""
    name = str(getattr(person, "name", person) or "").strip()
    tone = AVATAR_TONES[crc32(str(getattr(person, "pk", name)).encode()) % len(AVATAR_TONES)]
    inner = name[0].upper() if name else mark_safe('<i class="ti ti-user"></i>')
    return format_html('<span class="av {} {}" aria-hidden="true">{}</span>', size, tone, inner)


@register.simple_tag
def spark(values: Sequence[float | None], series: str = "s1") -> SafeString:
    """{% spark values %}: a small line of the values with a soft ground. Decoration: the figures stand beside it."""
    known = [(at, float(value)) for at, value in enumerate(values) if value is not None]
    if len(known) < 2:
        return SafeString("")
    low, high = min(v for _, v in known), max(v for _, v in known)
    reach = (high - low) or 1
    last = len(values) - 1
    dots = " ".join(f"{at * 160 / last:.1f},{28 - (value - low) / reach * 24:.1f}" for at, value in known)
    ground = f"{known[0][0] * 160 / last:.1f},32 {dots} {known[-1][0] * 160 / last:.1f},32"
    return format_html(
        '<svg class="spark" viewBox="0 0 160 32" preserveAspectRatio="none" aria-hidden="true">'
        '<polygon points="{}" fill="var(--{})" opacity=".1"/><polyline points="{}" fill="none" stroke="var(--{})" '
        'stroke-width="1.5" vector-effect="non-scaling-stroke" stroke-linejoin="round"/></svg>',
        ground,
        series,
        dots,
        series,
    )


@register.simple_tag
def delta(value: float | None, good: str = "up", kind: str = "pct", unit: str = "") -> SafeString:
    """{% delta 0.124 %}: a change; its colour says good or bad, not up or down. ``kind`` pct (a ratio) and count have an
    arrow instead of a sign, pp (a difference of ratios) has the sign; ``good`` up or down."""
    if value is None:
        return format_html('<span class="delta x3">{}</span>', formats.MISSING)
    if kind == "pp":
        text = formats.points(value)
    else:
        text = {"pct": formats.pct, "count": formats.count}[kind](abs(value))
    tone = "mute" if not value else "ok" if (value > 0) == (good == "up") else "bad"
    arrow = ""
    if value and kind != "pp":
        way = "up" if value > 0 else "down"
        arrow = format_html('<i class="ti ti-arrow-{}-right" role="img" aria-label="{}"></i>', way, _ARROWS[way])
    return format_html('<span class="delta t-{}">{}{}{}</span>', tone, arrow, text, unit)


@register.inclusion_tag("ui/_blank.html")
def blank(icon: str, title: str, text: str = "", href: str = "", label: str = "", tone: str = "") -> dict[str, object]:
    """{% blank "inbox" _("No contacts yet") _("They come with the first follower") url _("Connect a channel") %}"""
    return {"icon": icon, "title": title, "text": text, "href": href, "label": label, "tone": _tone(tone)}


@register.simple_block_tag
def note(content: str, tone: str = "info", icon: str = "") -> SafeString:
    """{% note "warn" %}What to know{% endnote %}"""
    glyph = icon or NOTE_ICONS.get(tone, "info-circle")
    return format_html(
        '<div class="note t-{}"><i class="ti ti-{}" aria-hidden="true"></i><div>{}</div></div>', tone, glyph, content
    )


@register.simple_block_tag(end_name="endpagehead")
def pagehead(content: str, title: str, hint: str = "") -> SafeString:
    """{% pagehead _("Contacts") hint %}buttons{% endpagehead %}: the one h1, a line under it and the page's buttons."""
    line = format_html('<div class="f13 x3">{}</div>', hint) if hint else ""
    return format_html(
        '<div class="page-head"><div class="grow"><h1 class="h-page">{}</h1>{}</div>{}</div>', title, line, content
    )


@register.inclusion_tag("ui/_field.html")
def field(bound: BoundField, label: str = "", hint: str = "", placeholder: str = "") -> dict[str, object]:
    """{% field form.name %}: label, control, hint and errors, tied together for screen readers."""
    widget = bound.field.widget
    kind = getattr(widget, "input_type", "") or type(widget).__name__.lower()
    many = hasattr(widget, "subwidgets") and kind in {"radio", "checkbox"} and bool(getattr(widget, "choices", None))
    css = {"checkbox": "form-check-input", "radio": "form-check-input", "select": "form-select"}.get(
        kind, "form-control"
    )
    attrs = {"class": f"{css} {widget.attrs.get('class', '')} {'is-invalid' if bound.errors else ''}".strip()}
    if many:
        widget.attrs["class"] = css  # the form is this request's own, so this touches nobody else
    if placeholder:
        attrs["placeholder"] = placeholder
    return {
        "field": bound,
        "control": "" if many else bound.as_widget(attrs=attrs),
        "choices": list(bound) if many else [],
        "check": kind == "checkbox" and not many,
        "label": label or bound.label,
        "hint": hint or bound.help_text,
        "required": bound.field.required,
    }


@register.inclusion_tag("ui/_form.html")
def fields(form: object) -> dict[str, object]:
    """{% fields form %}: errors of the whole form, hidden fields, then every visible field."""
    return {"form": form}


@register.inclusion_tag("ui/_chart.html")
def chart(name: str, option: dict[str, object], label: str, height: int = 240) -> dict[str, object]:
    """{% chart "revenue" option _("Revenue by day") 260 %}: an ECharts option from the server; see static/js/charts.js
    for colour tokens ("--s1") and number formats ("@money"). ``label`` is the sentence for screen readers."""
    return {"name": name, "option": option, "label": label, "height": height}


@register.simple_tag(name="live")
def live_attributes(*name: object) -> SafeString:
    """<div {% live "contact" contact.pk %} hx-get="…" hx-trigger="live">: fetched again after live.touch("contact", pk)."""
    return format_html('data-live="{}" data-live-version="{}"', live.key(*name), live.version(*name))


@register.inclusion_tag("ui/_sort_th.html")
def sort_th(page: object, name: str, label: str, css: str = "") -> dict[str, object]:
    """{% sort_th page "seen" _("Last seen") css="r" %}: a header cell that sorts a listing (scrm/core/lists.py)."""
    return {"url": page.sort_url(name), "direction": page.direction(name), "label": label, "css": css}


@register.inclusion_tag("ui/_filters.html")
def filters(page: object) -> dict[str, object]:
    """{% filters page %}: search box and facets of a listing."""
    return {"page": page}


@register.inclusion_tag("ui/_pager.html")
def pager(page: object) -> dict[str, object]:
    """{% pager page %}: count, previous and next of a listing."""
    return {"page": page}


@register.filter
def verb_text(verb: str) -> str:
    """An audit verb (``role.updated``) in words; what is not in the table is shown as it is."""
    return str(VERBS.get(verb) or VERBS.get(verb.rpartition(".")[2]) or verb)


@register.filter
def model_name(label: str) -> str:
    """``core.role`` in the reader's language; the stored name when the model is gone."""
    try:
        return str(apps.get_model(label)._meta.verbose_name)
    except (LookupError, ValueError):
        return label


@register.filter
def detail_name(name: str) -> str:
    """The name of an audit entry's detail in words."""
    return str(DETAILS.get(name, name))


@register.filter
def detail(value: object, name: str = "") -> str:
    """A value of an audit entry: [old, new] as old → new, channels by their names, a rule by its size, moments as moments,
    other lists and objects compactly."""
    return audit_details.said(value, name)


@register.filter
def toast_level(tag: str) -> str:
    """Level of django.contrib.messages to a tone."""
    return {"success": "ok", "warning": "warn", "error": "bad"}.get(tag, "info")


def _tone(tone: str) -> str:
    return tone if not tone or tone.startswith(("t-", "c-")) else f"t-{tone}"
