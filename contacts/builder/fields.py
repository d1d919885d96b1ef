"""One field of a condition row: how it is drawn, read from a form and written into a rule."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

Options = Iterable[tuple[Any, Any]]
Values = dict[str, Any]


@dataclass(frozen=True)
class Field:
    """``kind`` choice, many (chips), number, text, date or flag. ``options`` are (value, label) or a function of the
    choices that a page looked up once. ``shown`` hides the field while another one makes it meaningless."""

    name: str
    kind: str
    label: Any
    options: Options | Callable[["Lists", Values], Options] = ()
    default: Any = None
    before: Any = ""
    after: Any = ""
    placeholder: Any = ""
    width: int = 0
    """Of a text or number box, in characters; 0 leaves it to the stylesheet."""
    shown: Callable[[Values], bool] = lambda values: True
    integer: bool = False
    """Values are ids."""
    kind_for: Callable[[Values], str] | None = None
    """When the kind follows from another field (the value of an attribute)."""

    def drawn(self, values: Values) -> str:
        return self.kind_for(values) if self.kind_for else self.kind

    def choices(self, lists: "Lists", values: Values) -> list[tuple[Any, Any]]:
        return list(self.options(lists, values) if callable(self.options) else self.options)

    def read(self, typed: list[str]) -> Any:
        """The rule's value of what was posted: numbers become numbers; text that is no number stays, so that the rule's
        check can say so beside the field."""
        if self.kind == "many":
            return [self._one(value) for value in dict.fromkeys(typed) if value]
        text = typed[-1].strip().replace("\x00", "") if typed else ""
        if self.kind == "flag":
            return text == "1"
        return self._one(text)

    def _one(self, text: str) -> Any:
        return as_number(text) if self.kind == "number" or self.integer else text


@dataclass
class Lists:
    """What fields offer to choose from, looked up once per page."""

    tags: list[tuple[Any, Any]] = field(default_factory=list)
    segments: list[tuple[Any, Any]] = field(default_factory=list)
    attributes: list[tuple[str, Any]] = field(default_factory=list)
    """Keys of custom attributes in use, with their labels."""
    events: list[tuple[str, Any]] = field(default_factory=list)
    owners: list[tuple[Any, Any]] = field(default_factory=list)
    teams: list[tuple[Any, Any]] = field(default_factory=list)


@dataclass(frozen=True)
class Widget:
    """A field ready to be drawn in a row."""

    field: Field
    kind: str
    name: str
    id: str
    value: Any
    options: list[tuple[Any, Any]]
    chosen: list[tuple[Any, Any]]
    """Of ``many``: the values that are chips already, with their labels."""
    bad: bool = False


def as_number(text: str) -> Any:
    """int or float of what was typed; None when empty; the text itself when it is no finite number."""
    cleaned = text.strip().replace(",", "").replace("，", "").removeprefix("¥")
    if not cleaned:
        return None
    try:
        number = Decimal(cleaned)
    except InvalidOperation:
        return text
    if not number.is_finite() or abs(number) >= 10**15:
        return text
    return int(number) if number == number.to_integral_value() else float(number)
