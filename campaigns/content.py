"""What marketers write: Liquid over plain dicts, checked in the editor, compiled once per variant, rendered per person.

Three formats. ``text`` (Official Account, SMS): plain text in which ``[words](https://...)`` becomes a link.
``markdown`` (mail): CommonMark without raw HTML, a paragraph that is only a link becomes a button. ``html`` (mail):
the marketer's own HTML, cleaned. Liquid comes with size and loop limits and without include, render and the escape-
disabling filter.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import nh3
from django.conf import settings
from django.db import DatabaseError
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from liquid import BoundTemplate, Environment
from liquid.exceptions import LiquidError
from markdown_it import MarkdownIt

from channels_ingest.connectors.base import Rendered
from contacts.enums import ChannelKind

FIELDS: dict[str, dict[str, object]] = {
    "contact": {
        "name": gettext_lazy("name"),
        "first_name": gettext_lazy("form of address"),
        "city": gettext_lazy("city"),
        "region": gettext_lazy("region"),
        "language": gettext_lazy("language"),
        "stage": gettext_lazy("lifecycle stage"),
        "order_count": gettext_lazy("number of orders"),
        "order_total": gettext_lazy("total spent"),
        "last_order_at": gettext_lazy("time of the last order"),
        "attributes": gettext_lazy("custom fields"),
    },
    "coupon": {
        "code": gettext_lazy("coupon code"),
        "value": gettext_lazy("coupon value"),
        "name": gettext_lazy("coupon name"),
        "ends_on": gettext_lazy("last day of the coupon"),
    },
    "order": {
        "number": gettext_lazy("order number"),
        "total": gettext_lazy("order total"),
        "carrier": gettext_lazy("carrier"),
        "tracking_number": gettext_lazy("tracking number"),
        "amount": gettext_lazy("refunded amount"),
    },
    "cart": {"total": gettext_lazy("worth of the cart")},
    "company": {"name": gettext_lazy("company name"), "shop_url": gettext_lazy("shop address")},
    "message": {
        "unsubscribe_url": gettext_lazy("unsubscribe link"),
        "confirm_url": gettext_lazy("confirmation link"),
    },
}
"""Every field content may name: root -> field -> what it is. ``contact.attributes`` is open below."""

MAX_SOURCE = 200_000
MAX_OUTPUT = 400_000
_SHOP = r"\{\{\s*company\.shop_url\s*\}\}"
_TRACKED = rf"(?:https?://|{_SHOP})(?:{_SHOP}|[^\s<>\"'（）()\[\]{{}}])*"
"""An address that is the same for everybody, so it can be one stored link: fixed, or made with the shop's address."""
_LIQUID = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)
_TEXT_LINK = re.compile(rf"\[([^\]\n]+)\]\(({_TRACKED}|\{{\{{.*?\}}\}})\)")
_BARE_LINK = re.compile(rf"(?<![\"'(>])({_TRACKED})")
_HREF = re.compile(rf'(<a\b[^>]*?\bhref=")({_TRACKED})(")')
_ONLY_LINK = re.compile(r'<p>(<a) (href="[^"]*")([^>]*>[^<]*</a>)</p>')
_BUTTON = 'style="display:inline-block;background:#2f55d4;color:#fff;padding:10px 22px;border-radius:6px;text-decoration:none"'
_LAYOUT = Path(settings.BASE_DIR, "templates", "campaigns", "mail", "layout.liquid")


@dataclass(frozen=True, slots=True)
class Problem:
    """A fault of a source: 1-based line and a sentence for the person who writes it."""

    line: int
    message: str


@dataclass(frozen=True, slots=True)
class Compiled:
    """A parsed body and the URLs it tracks, in order; the template reads them as ``links[n]``."""

    template: BoundTemplate
    urls: tuple[str, ...]


def _environment(*, autoescape: bool) -> Environment:
    class Limited(Environment):
        loop_iteration_limit = 2_000
        output_stream_limit = MAX_OUTPUT
        local_namespace_limit = 100_000
        context_depth_limit = 20

    env = Limited(autoescape=autoescape)
    for tag in ("include", "render"):
        env.tags.pop(tag, None)
    env.filters.pop("safe", None)
    return env


_TEXT, _HTML = _environment(autoescape=False), _environment(autoescape=True)
_markdown = MarkdownIt("commonmark", {"html": False, "linkify": False, "breaks": True})


def check(source: str, format: str = "text", fields: Mapping[str, Mapping[str, object]] | None = None) -> list[Problem]:
    """All faults of a source: syntax, unknown fields, unknown filters, size. Empty means it may be saved. ``fields``: what
    may be named, when that is not FIELDS."""
    if len(source) > MAX_SOURCE:
        return [Problem(1, _("The text is longer than {n} characters.").format(n=f"{MAX_SOURCE:,}"))]
    env = _TEXT if format == "text" else _HTML
    try:
        analysis = env.from_string(source).analyze()
    except LiquidError as error:
        return [Problem(_line_of(error, source), _("Syntax: {what}").format(what=_first_line(error)))]
    problems = [
        Problem(_line(source, span.index), _("There is no filter “{name}”.").format(name=name))
        for name, spans in analysis.filters.items()
        if name not in env.filters
        for span in spans
    ]
    for variables in analysis.globals.values():
        for variable in variables:
            message = _field_fault([str(part) for part in variable.segments], FIELDS if fields is None else fields)
            if message:
                problems.append(Problem(_line(source, variable.span.index), message))
    return sorted(problems, key=lambda problem: problem.line)


def _field_fault(path: list[str], fields: Mapping[str, Mapping[str, object]]) -> str:
    root = fields.get(path[0])
    if root is None:
        return _("There is no field “{name}”. Fields start with {roots}.").format(
            name=".".join(path), roots=", ".join(f"{name}." for name in fields)
        )
    if len(path) < 2 or path[1] not in root:
        return _("There is no field “{name}”. Here one may write {fields}.").format(
            name=".".join(path), fields=", ".join(f"{path[0]}.{name}" for name in root)
        )
    return ""


def _first_line(error: LiquidError) -> str:
    """The parser's words, the usual mistakes in the reader's language."""
    said = str(error).strip().splitlines()[0]
    if said == "missing expression":
        return _("a tag has nothing in it")
    if found := re.match(r"unexpected tag '(\w+)'", said):
        return _("the tag “{name}” is unknown or has no beginning").format(name=found[1])
    if found := re.match(r"expected tag (\w+)", said):
        return _("the tag “{name}” is missing").format(name=found[1])
    if found := re.match(r"expected '(\S+)', found end of file", said):
        return _("“{sign}” is missing").format(sign=found[1])
    return said


def _line_of(error: LiquidError, source: str) -> int:
    token = getattr(error, "token", None)
    return _line(source, token.start_index) if token is not None and token.start_index >= 0 else 1


def _line(source: str, index: int) -> int:
    return source.count("\n", 0, max(index, 0)) + 1


@lru_cache(maxsize=512)
def compile_body(source: str, format: str) -> Compiled:
    """Parse once; cached by text. URLs that are the same for everybody become ``{{ links[n] }}``. Raises LiquidError for a
    source that ``check`` refuses."""
    if format == "text":
        body, urls = _track_text(source)
        return Compiled(_TEXT.from_string(body), urls)
    html = _from_markdown(source) if format == "markdown" else _clean(source)
    body, urls = _track_html(html)
    return Compiled(_HTML.from_string(body), urls)


def _track_text(source: str) -> tuple[str, tuple[str, ...]]:
    urls: list[str] = []

    def slot(url: str) -> str:
        if url.startswith("{{") and not re.match(_SHOP, url):
            return url
        urls.append(url)
        return f"{{{{ links[{len(urls) - 1}] }}}}"

    body = _TEXT_LINK.sub(lambda found: f'<a href="{slot(found[2])}">{found[1]}</a>', source)
    return _BARE_LINK.sub(lambda found: slot(found[1]), body), tuple(urls)


def _track_html(html: str) -> tuple[str, tuple[str, ...]]:
    urls: list[str] = []

    def slot(found: re.Match[str]) -> str:
        urls.append(found[2].replace("&amp;", "&"))
        return f"{found[1]}{{{{ links[{len(urls) - 1}] }}}}{found[3]}"

    return _HREF.sub(slot, html), tuple(urls)


def _shielded(source: str, work: Callable[[str], str]) -> str:
    """Run ``work`` with every Liquid tag swapped for a plain word, so that quotes and URLs inside them survive it."""
    kept: list[str] = []

    def hide(found: re.Match[str]) -> str:
        kept.append(found[0])
        return f"zkliquid{len(kept) - 1}z"

    return re.sub(r"zkliquid(\d+)z", lambda found: kept[int(found[1])], work(_LIQUID.sub(hide, source)))


def _from_markdown(source: str) -> str:
    return _shielded(source, lambda text: _ONLY_LINK.sub(rf"<p>\1 {_BUTTON} \2\3</p>", _markdown.render(text)))


def _clean(source: str) -> str:
    """The marketer's HTML without scripts, forms and event handlers; styles stay, since mail needs them inline."""
    attributes = {tag: set(names) | {"style", "class", "align"} for tag, names in nh3.ALLOWED_ATTRIBUTES.items()}
    for tag in ("table", "td", "th", "tr", "p", "div", "span", "h1", "h2", "h3", "img"):
        attributes[tag] = attributes.get(tag, set()) | {"style", "class", "align", "width", "height", "bgcolor"}
    tags = nh3.ALLOWED_TAGS | {"font", "center"}
    return _shielded(source, lambda html: nh3.clean(html, tags=tags, attributes=attributes, link_rel=None))


def plain_text(source: str, fields: Mapping[str, object]) -> str:
    """Text with merge fields and nothing else: no links, no frame. Raises LiquidError."""
    try:
        return _TEXT.from_string(source).render(**fields).strip()
    except (LiquidError, DatabaseError):
        raise
    except Exception as error:
        raise LiquidError(f"{type(error).__name__}: {error}", token=None) from error


def named_fields(source: str) -> list[str]:
    """Paths of the fields that a source names, in order. Raises LiquidError."""
    named = _TEXT.from_string(source).analyze().globals.values()
    return list(dict.fromkeys(".".join(str(part) for part in v.segments) for found in named for v in found))


@lru_cache(maxsize=1)
def _layout() -> BoundTemplate:
    return _HTML.from_string(_LAYOUT.read_text())


def render(variant, fields: Mapping[str, object], *, links: Callable[[str], str] | None = None) -> Rendered:
    """One person's message.

    ``variant``: anything with channel, format, language, subject, preheader, body, data (campaigns.models.Variant).
    ``fields``: {"contact": {...}, "coupon": {...}, "company": {...}, "message": {"unsubscribe_url", "open_pixel_url", ...}}.
    ``links``: the URL as written -> the tracked URL for this person; None leaves them as they are (previews).
    Raises LiquidError when a limit is passed or a filter cannot take a value.
    """
    try:
        with translation.override(variant.language):
            return _rendered(variant, fields, links)
    except (LiquidError, DatabaseError):
        raise
    except Exception as error:
        # Filters meet whatever people are called: a name of thirty digits is no date.
        raise LiquidError(f"{type(error).__name__}: {error}", token=None) from error


def _rendered(variant, fields: Mapping[str, object], links: Callable[[str], str] | None) -> Rendered:
    compiled = compile_body(variant.body, variant.format)
    values = dict(fields)
    values["links"] = [_link(url, values, links) for url in compiled.urls]
    if variant.channel == ChannelKind.EMAIL:
        return _render_mail(variant, compiled, values)
    text = compiled.template.render(**{**values, "contact": _harmless(values.get("contact"))})
    if variant.data.get("template_id"):
        return _render_template_message(variant, text, values)
    return Rendered(kind="text", text=_with_opt_out(text.strip(), variant, values))


def _link(url: str, values: dict[str, object], links: Callable[[str], str] | None) -> str:
    company = values.get("company")
    shop = str(company.get("shop_url") or "") if isinstance(company, Mapping) else ""
    url = re.sub(_SHOP, lambda found: shop, url)
    return links(url) if links and url.startswith(("http://", "https://")) else url


def _render_mail(variant, compiled: Compiled, values: dict[str, object]) -> Rendered:
    body = compiled.template.render(**values)
    subject = " ".join(compile_body(variant.subject, "text").template.render(**{**values, "links": []}).split())
    message = values.get("message") or {}
    html = _layout().render(
        subject=subject,
        preheader=compile_body(variant.preheader, "text").template.render(**values),
        body_html=_Markup(body),
        company=values.get("company") or {},
        message=message,
        words=_mail_words(variant.language),
        language=variant.language,
    )
    unsubscribe = message.get("unsubscribe_url") if isinstance(message, Mapping) else None
    headers = {}
    if unsubscribe:
        headers = {"List-Unsubscribe": f"<{unsubscribe}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}
    return Rendered(
        kind="email", subject=subject, html=html, text=_plain(body, unsubscribe, variant.language), headers=headers
    )


def _render_template_message(variant, text: str, values: dict[str, object]) -> Rendered:
    """A WeChat template message: data = {"template_id", "url"?, "fields": {"thing1": "Liquid", ...}}."""
    fields = {
        key: compile_body(str(source), "text").template.render(**{**values, "links": []})
        for key, source in (variant.data.get("fields") or {}).items()
    }
    urls = values["links"]
    return Rendered(
        kind="template",
        text=text,
        data={
            "template_id": variant.data["template_id"],
            "url": urls[0] if urls else variant.data.get("url", ""),
            "fields": fields,
        },
    )


class _Markup(str):
    """HTML that our own layout takes as it is (python-liquid asks for ``__html__``)."""

    def __html__(self) -> str:
        return self


def _harmless(contact: object) -> object:
    """A person's own words must not become a link in a chat message."""
    if not isinstance(contact, Mapping):
        return {}
    return {
        key: value.translate({60: None, 62: None}) if isinstance(value, str) else value
        for key, value in contact.items()
    }


def _with_opt_out(text: str, variant, values: dict[str, object]) -> str:
    """Marketing in a chat says how to stop it (semantics: unsubscribe everywhere)."""
    message = values.get("message") or {}
    words = isinstance(message, Mapping) and message.get("opt_out_words")
    return f"{text}\n\n{words}" if words else text


def _plain(body: str, unsubscribe: object, language: str) -> str:
    """The text part of a mail from its HTML part: links in brackets, blank lines between paragraphs."""
    text = re.sub(r'<a\b[^>]*?href="([^"]*)"[^>]*>(.*?)</a>', r"\2 (\1)", body, flags=re.DOTALL)
    text = re.sub(r"<br\s*/?>|</(p|div|h\d|li|tr)>", "\n", text)
    text = re.sub(r"\n{3,}", "\n\n", nh3.clean(text, tags=set()).strip())
    for escaped, sign in (("&lt;", "<"), ("&gt;", ">"), ("&nbsp;", " "), ("&amp;", "&")):
        text = text.replace(escaped, sign)
    return f"{text}\n\n{_mail_words(language)['unsubscribe']}: {unsubscribe}\n" if unsubscribe else f"{text}\n"


def _mail_words(language: str) -> dict[str, str]:
    if language.startswith("en"):
        return {"unsubscribe": "Unsubscribe", "why": "You get this mail because you agreed to hear from us."}
    return {"unsubscribe": "退订", "why": "您收到这封邮件，是因为您同意接收我们的消息。"}
