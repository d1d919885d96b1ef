"""The kinds of conditions and their fields, in the order of the menu. A kind's fields are the keys of its rule leaf."""

import json
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from contacts.builder.fields import Field, Lists, Values, as_number
from contacts.enums import ConsentState, IdentityKind, Purpose, Stage
from contacts.reach import ADDRESS_KINDS
from contacts.sources import SOURCES

COMPARE = [("gte", "≥"), ("lte", "≤"), ("eq", "="), ("gt", ">"), ("lt", "<")]
KNOWN_OPS = [("exists", _("is known")), ("missing", _("is not known"))]
TEXT_OPS = [
    ("eq", pgettext_lazy("condition", "is")),
    ("ne", pgettext_lazy("condition", "is not")),
    ("in", _("is one of")),
    ("contains", _("contains")),
]
PICK_OPS = TEXT_OPS[:2]
DATE_OPS = [
    ("last_days", _("within the last days")),
    ("before_days", _("longer ago than days")),
    ("gte", _("on or after")),
    ("lte", _("on or before")),
    ("eq", _("on")),
]
WHERE_OPS = [("eq", "="), ("ne", "≠"), ("contains", _("contains")), ("gte", "≥"), ("lte", "≤")]
DATE_NAMES = {"created_at", "first_seen_at", "last_seen_at", "first_order_at", "last_order_at"}
PICK_NAMES = {"source", "owner", "team", "known"}
NUMBER_NAMES = {"event_count", "order_count", "order_total"}
ATTRIBUTES = [
    ("name", _("Name")),
    ("city", _("City")),
    ("region", _("Region")),
    ("language", _("Language")),
    ("time_zone", _("Time zone")),
    ("source", _("Source")),
    ("source_label", _("Source in detail")),
    ("owner", _("Owner")),
    ("team", _("Team")),
    ("known", _("Known or visitor")),
    ("created_at", _("Created")),
    ("first_seen_at", _("First seen")),
    ("last_seen_at", _("Last seen")),
    ("first_order_at", _("First order")),
    ("last_order_at", _("Last order")),
    ("event_count", _("Number of acts")),
    ("order_count", _("Number of orders")),
    ("order_total", _("Amount of all orders")),
]


@dataclass(frozen=True)
class Schema:
    kind: str
    label: Any
    icon: str
    tone: str
    """Class of the icon tile."""
    fields: tuple[Field, ...]
    has_where: bool = False
    """Rows "of which property …" can be added (events)."""
    tidy: Callable[[Values], Values] = lambda values: values
    """Brings values that belong together in line after reading."""

    def field(self, name: str) -> Field | None:
        return next((field for field in self.fields if field.name == name), None)


def blank(kind: str) -> Values:
    """The values of a fresh row."""
    return {field.name: deepcopy(field.default) for field in SCHEMAS[kind].fields if field.default is not None}


def attribute_ops(lists: Any, values: Values) -> list[tuple[str, Any]]:
    name = values.get("name", "")
    if name in DATE_NAMES:
        return DATE_OPS
    if name in PICK_NAMES:
        return [*PICK_OPS, *KNOWN_OPS] if name != "known" else PICK_OPS[:1]
    if name in NUMBER_NAMES:
        return COMPARE
    return (
        [*TEXT_OPS, *COMPARE[:2], *COMPARE[3:], *KNOWN_OPS]
        if name.startswith("attributes.")
        else [*TEXT_OPS, *KNOWN_OPS]
    )


def attribute_kind(values: Values) -> str:
    """How the value of an attribute is asked for."""
    name, op = values.get("name", ""), values.get("op")
    if name in DATE_NAMES:
        return "number" if op in {"last_days", "before_days"} else "date"
    if name in PICK_NAMES:
        return "choice"
    return "number" if name in NUMBER_NAMES else "text"


def attribute_values(lists: Lists, values: Values) -> list[tuple[Any, Any]]:
    return {
        "source": list(SOURCES.items()),
        "owner": lists.owners,
        "team": lists.teams,
        "known": [(True, _("known")), (False, _("unknown visitor"))],
    }.get(values.get("name", ""), [])


def _attribute_tidy(values: Values) -> Values:
    """The value as the rule wants it: a list for "one of", a number for sizes and ids, nothing for known or not. An operator
    that the attribute does not have (after choosing another attribute) falls back to its first one."""
    allowed = [op for op, _label in attribute_ops(None, values)]
    op = values.get("op") if values.get("op") in allowed else allowed[0]
    values = {**values, "op": op}
    name, value = values.get("name", ""), values.get("value")
    if op in {"exists", "missing"}:
        return {key: held for key, held in values.items() if key != "value"}
    if isinstance(value, list):
        value = ", ".join(str(item) for item in value)
    text = "" if value is None else str(value)
    if op == "in":
        parts = [part.strip() for part in text.replace("，", ",").replace("、", ",").split(",")]
        return {**values, "value": [part for part in parts if part]}
    if name == "known":
        return {**values, "value": text != "False"}
    sized = op in {"gte", "lte", "gt", "lt", "last_days", "before_days"} and attribute_kind(values) != "date"
    return {**values, "value": as_number(text) if sized or name in {"owner", "team"} | NUMBER_NAMES else text}


def _event_tidy(values: Values) -> Values:
    """Only a sum has a property; a run of days is always "at least"; empty optional fields are left out."""
    values = {
        key: held for key, held in values.items() if not (key in {"channel", "property", "days"} and held in ("", None))
    }
    if values.get("measure") != "sum":
        values.pop("property", None)
    elif "property" not in values:
        values["property"] = ""
    if values.get("measure") == "days_in_a_row":
        values["op"] = "gte"
    where = [{**row, "value": _where_value(row)} for row in values.get("where", [])]
    values.pop("where", None)
    return {**values, "where": where} if where else values


def _order_tidy(values: Values) -> Values:
    aged = str(values.get("measure", "")).endswith("_days_ago")
    return {key: held for key, held in values.items() if not (key == "days" and (aged or held is None))}


def _where_value(row: Values) -> Any:
    return as_number(str(row.get("value") or "")) if row.get("op") in {"gte", "lte"} else row.get("value")


_WITHIN = Field(
    "days",
    "number",
    _("Days"),
    before=pgettext_lazy("condition", "in the last"),
    after=_("days"),
    placeholder=pgettext_lazy("days", "all"),
    width=4,
)

_STAGE = Schema(
    "stage",
    _("Stage"),
    "flag",
    "t-info",
    (Field("stages", "many", _("Stages"), Stage.choices, default=[], before=pgettext_lazy("condition", "is in")),),
)
_TAG = Schema(
    "tag",
    _("Tag"),
    "tag",
    "t-ai",
    (
        Field(
            "op",
            "choice",
            _("How many"),
            [("any", _("has any of")), ("all", _("has all of")), ("none", _("has none of"))],
            "any",
        ),
        Field("tags", "many", _("Tags"), lambda lists, values: lists.tags, [], integer=True),
    ),
)
_EVENT = Schema(
    "event",
    _("Behaviour"),
    "activity",
    "c-mp",
    (
        _WITHIN,
        Field("event", "choice", _("Event"), lambda lists, values: lists.events, "product_viewed"),
        Field(
            "measure",
            "choice",
            _("Measure"),
            [
                ("count", _("number of times")),
                ("days", _("on different days")),
                ("days_in_a_row", _("days in a row")),
                ("sum", _("sum of")),
            ],
            "count",
        ),
        Field("property", "text", _("Property"), width=10, shown=lambda values: values.get("measure") == "sum"),
        Field("op", "choice", _("Comparison"), COMPARE, "gte", shown=lambda v: v.get("measure") != "days_in_a_row"),
        Field("value", "number", _("Number"), default=1, width=4),
    ),
    has_where=True,
    tidy=_event_tidy,
)
_ORDER = Schema(
    "order",
    _("Orders"),
    "receipt",
    "c-shop",
    (
        Field(
            "measure",
            "choice",
            _("Measure"),
            [
                ("count", _("number of orders")),
                ("sum", _("total paid")),
                ("average", _("mean per order")),
                ("last_days_ago", _("days since the last order")),
                ("first_days_ago", _("days since the first order")),
            ],
            "count",
        ),
        Field("op", "choice", _("Comparison"), COMPARE, "gte"),
        Field("value", "number", _("Number"), default=1, width=7),
        replace(_WITHIN, shown=lambda values: not str(values.get("measure", "")).endswith("_days_ago")),
    ),
    tidy=_order_tidy,
)
_ATTRIBUTE = Schema(
    "attribute",
    _("Attribute"),
    "user",
    "c-web",
    (
        Field("name", "choice", _("Attribute"), lambda lists, values: [*ATTRIBUTES, *lists.attributes], "city"),
        Field("op", "choice", _("Comparison"), attribute_ops, "eq"),
        Field(
            "value",
            "text",
            _("Value"),
            attribute_values,
            "",
            width=16,
            shown=lambda values: values.get("op") not in {"exists", "missing"},
            kind_for=attribute_kind,
        ),
    ),
    tidy=_attribute_tidy,
)
_CONSENT = Schema(
    "consent",
    _("Consent"),
    "shield-check",
    "t-ok",
    (
        Field("channel", "choice", _("Channel"), [(c.value, c.label) for c in ADDRESS_KINDS], "email"),
        Field("purpose", "choice", _("Purpose"), Purpose.choices, Purpose.MARKETING.value),
        Field("state", "choice", _("State"), [*ConsentState.choices, ("none", _("never asked"))], "granted"),
    ),
)
_IDENTITY = Schema(
    "identity",
    _("Identity"),
    "id",
    "c-call",
    (
        Field("identity", "choice", _("Identity"), IdentityKind.choices, "email"),
        Field(
            "state",
            "choice",
            _("State"),
            [("present", _("is there")), ("reachable", _("is reachable")), ("verified", _("is verified"))],
            "reachable",
        ),
    ),
)
_SEGMENT = Schema(
    "segment",
    _("Segment"),
    "users",
    "c-wecom",
    (
        Field(
            "segment",
            "choice",
            _("Segment"),
            lambda lists, values: lists.segments,
            before=pgettext_lazy("condition", "is in"),
            integer=True,
        ),
    ),
)

SCHEMAS: dict[str, Schema] = {
    schema.kind: schema for schema in (_STAGE, _TAG, _EVENT, _ORDER, _ATTRIBUTE, _CONSENT, _IDENTITY, _SEGMENT)
}


def read(kind: str, fields: dict[str, list[str]]) -> Values:
    """The rule's values of a posted row. A field that the form did not show keeps its default; what the row has no fields
    for travels as JSON in ``extra``, so that a rule made elsewhere survives the builder."""
    schema = SCHEMAS.get(kind)
    extra = _extra(fields.get("extra", [""])[-1])
    if schema is None:
        return extra
    values: Values = {}
    for field in schema.fields:
        if field.name in fields or field.kind == "many":
            values[field.name] = field.read(fields.get(field.name, []))
        elif field.default is not None:
            values[field.name] = field.default
    if schema.has_where:
        values["where"] = _where(fields)
    return {**unshown(kind, extra), **schema.tidy(values)}


def unshown(kind: str, values: Values) -> Values:
    """The values that the kind's row has no fields for."""
    schema = SCHEMAS.get(kind)
    if schema is None:
        return values
    shown = {field.name for field in schema.fields} | ({"where"} if schema.has_where else set())
    return {name: value for name, value in values.items() if name not in shown}


def _extra(text: str) -> Values:
    try:
        found = json.loads(text or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _where(fields: dict[str, list[str]]) -> list[Values]:
    rows: dict[int, Values] = {}
    for name, typed in fields.items():
        if name.startswith("where."):
            _where_word, at, part = name.split(".", 2)
            rows.setdefault(int(at), {})[part] = typed[-1].strip().replace("\x00", "")
    return [
        {"property": row.get("property", ""), "op": row.get("op", "eq"), "value": row.get("value", "")}
        for _at, row in sorted(rows.items())
    ]
