"""List pages: search, facets and sort live in the address, pages go by keyset, the count is shown.

    page = listing(
        request,
        Contact.objects.visible_to(request.user).select_related("owner"),
        sorts={"seen": "-last_seen_at", "name": "name"},          # first one is the default; whitelisted
        facets=[Facet("stage", _("Stage"), Stage.choices, lambda rows, values: rows.filter(stage__in=values))],
        search=Search(_("Name"), lambda rows, text: rows.filter(name__icontains=text)),
    )
    return render_page(request, "contacts/contact_list.html", {"page": page})

The template draws ``{% filters page %}``, ``{% sort_th page "seen" _("Last seen") %}``, ``page.rows`` and ``{% pager page %}``
inside one element with ``data-list`` and an id, within ``{% partialdef rows inline %}``.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, QueryDict
from django.utils.translation import gettext, ngettext

from scrm.core import formats
from scrm.lib import keyset

COUNT_LIMIT = 10_000


@dataclass(frozen=True)
class Facet:
    """Chips for one parameter. ``apply`` narrows the rows to the chosen values (never empty). ``many`` allows several
    values at once. ``choices`` are (value, label); labels may be lazy."""

    name: str
    label: str
    choices: Iterable[tuple[Any, str]]
    apply: Callable[[QuerySet, list[str]], QuerySet]
    many: bool = True


@dataclass(frozen=True)
class Search:
    """The search box of a list, parameter ``q``."""

    label: str
    apply: Callable[[QuerySet, str], QuerySet]


@dataclass(frozen=True)
class Option:
    label: str
    url: str
    on: bool


@dataclass(frozen=True)
class ShownFacet:
    label: str
    options: list[Option]


@dataclass
class Page:
    """What the template needs. ``rows`` is the current page; ``count`` stops at COUNT_LIMIT and costs one query."""

    path: str
    params: QueryDict
    rows: list[Any]
    matching: QuerySet
    next: str | None
    previous: str | None
    sort: str
    sorts: Mapping[str, str | Sequence[str]]
    facets: list[ShownFacet] = field(default_factory=list)
    q: str = ""
    has_search: bool = False
    search_label: str = ""
    is_filtered: bool = False

    @cached_property
    def count(self) -> int:
        return self.matching.order_by()[: COUNT_LIMIT + 1].count()

    @property
    def count_text(self) -> str:
        if self.count > COUNT_LIMIT:
            return gettext("More than %(n)s") % {"n": formats.count(COUNT_LIMIT)}
        return ngettext("%(n)s in total", "%(n)s in total", self.count) % {"n": formats.count(self.count)}

    @property
    def kept(self) -> list[tuple[str, str]]:
        """Parameters that the search form carries along."""
        return [(name, value) for name, values in self.params.lists() if name not in {"q", "at"} for value in values]

    @property
    def next_url(self) -> str | None:
        return self._url(at=self.next) if self.next else None

    @property
    def previous_url(self) -> str | None:
        return self._url(at=self.previous) if self.previous else None

    def sort_url(self, name: str) -> str:
        """Sort by this column in its natural direction, or turn it when it is the current one."""
        return self._url(sort=f"-{name}" if self.sort == name else name)

    def direction(self, name: str) -> str:
        """aria-sort of a column: ascending, descending or empty."""
        if self.sort.lstrip("-") != name:
            return ""
        falling = _order(self.sorts, self.sort)[0].startswith("-")
        return "descending" if falling else "ascending"

    def _url(self, **changes: str | None) -> str:
        return _address(self.path, self.params, **changes)


def listing(
    request: HttpRequest,
    rows: QuerySet,
    *,
    sorts: Mapping[str, str | Sequence[str]],
    facets: Sequence[Facet] = (),
    search: Search | None = None,
    size: int = 50,
) -> Page:
    """Narrow, sort and cut ``rows`` as the address says. ``sorts`` maps a public name to ``order_by`` names; "-name" in
    the address turns it round; unknown names, values and cursors fall back to the default. One query, plus one when
    the template shows the count."""
    params = request.GET.copy()
    q = params.get("q", "").strip()[:100]
    if search and q:
        rows = search.apply(rows, q)
    shown, chosen_any = [], bool(q)
    for facet in facets:
        choices = list(facet.choices)
        known = {str(value) for value, _label in choices}
        chosen = [value for value in params.getlist(facet.name) if value in known]
        if chosen:
            chosen_any = True
            rows = facet.apply(rows, chosen)
        shown.append(_shown(request.path, params, facet, choices, chosen))
    sort = params.get("sort", "")
    if sort.lstrip("-") not in sorts:
        sort = next(iter(sorts))
    cut = keyset.page(rows, _order(sorts, sort), params.get("at"), size)
    return Page(
        path=request.path,
        params=params,
        rows=cut.rows,
        matching=rows,
        next=cut.next,
        previous=cut.previous,
        sort=sort,
        sorts=sorts,
        facets=shown,
        q=q,
        has_search=search is not None,
        search_label=str(search.label) if search else "",
        is_filtered=chosen_any,
    )


def _order(sorts: Mapping[str, str | Sequence[str]], sort: str) -> list[str]:
    columns = sorts[sort.lstrip("-")]
    names = [columns] if isinstance(columns, str) else list(columns)
    if not sort.startswith("-"):
        return names
    return [name[1:] if name.startswith("-") else f"-{name}" for name in names]


def _shown(path: str, params: QueryDict, facet: Facet, choices: list[tuple[Any, str]], chosen: list[str]) -> ShownFacet:
    options = []
    for value, label in choices:
        on = str(value) in chosen
        others = [v for v in chosen if v != str(value)] if facet.many or on else []
        options.append(
            Option(label, _address(path, params, **{facet.name: others if on else [*others, str(value)]}), on)
        )
    return ShownFacet(facet.label, options)


def _address(path: str, params: QueryDict, **changes: str | list[str] | None) -> str:
    """The list with other parameters; the place in the pages is forgotten unless it is what changes."""
    copy = params.copy()
    copy.pop("at", None)
    for name, value in changes.items():
        copy.setlist(name, value if isinstance(value, list) else [value])
    for name in [name for name, values in copy.lists() if not any(values)]:
        del copy[name]
    query = copy.urlencode()
    return f"{path}?{query}" if query else path
