"""Reading orders out of text files: lines in, events out. Pure, streaming."""

import csv
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, time
from decimal import Decimal
from zoneinfo import ZoneInfo

from contacts.enums import ChannelKind, EventKind, IdentityKind, Trust
from contacts.log.incoming import Handle, Incoming
from contacts.log.orders import money

COLUMNS = ("customer", "date", "quantity", "total", "order")
REQUIRED = ("customer", "date", "total")
_NOON = time(12)


@dataclass(frozen=True)
class Layout:
    """How a file is written. ``columns`` maps our names to column numbers from 1."""

    columns: dict[str, int]
    separator: str = "comma"
    """``ws`` (any blanks), ``comma``, ``tab`` or ``semicolon``."""
    date_format: str = "%Y-%m-%d"
    currency: str = "CNY"
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("Asia/Shanghai"))
    account_id: int = 0
    label: str = ""
    """First touch of the customers that the file brings."""


@dataclass(frozen=True)
class BadLine:
    number: int
    reason: str


def read(lines: Iterable[str], layout: Layout) -> Iterator[Incoming | BadLine]:
    """One order event or one complaint per line that is not blank. A first line whose date is no date is a heading.

    An order without a number of its own is known by customer, moment, amount, pieces and its rank among equal ones: reading the
    file again, or a longer one that contains it, gives the same orders the same ids, in whatever order the lines stand.
    """
    equal: Counter[tuple] = Counter()
    for number, cells in enumerate(_split(lines, layout.separator), start=1):
        if not cells:
            continue
        try:
            yield _order(cells, layout, equal)
        except ValueError as error:
            if number > 1:
                yield BadLine(number, str(error))


def _split(lines: Iterable[str], separator: str) -> Iterator[list[str]]:
    if separator == "ws":
        return (line.split() for line in lines)
    delimiter = {"comma": ",", "tab": "\t", "semicolon": ";"}[separator]
    return ([] if not any(cells) else cells for cells in csv.reader(lines, delimiter=delimiter))


def _order(cells: list[str], layout: Layout, equal: Counter[tuple]) -> Incoming:
    cell = {name: cells[number - 1].strip() if number <= len(cells) else "" for name, number in layout.columns.items()}
    moment = _moment(cell["date"], layout)
    total, quantity = money(cell["total"] or None), money(cell.get("quantity") or 0)
    if total is None or cell["total"].startswith("-"):
        raise ValueError(f"the amount {cell['total']!r} is not a number")
    if quantity is None or quantity != quantity.to_integral_value():
        raise ValueError(f"the quantity {cell['quantity']!r} is not a whole number")
    if not cell["customer"]:
        raise ValueError("no customer")
    number = cell.get("order") or _number(cell["customer"], moment, total, int(quantity), equal)
    return Incoming(
        kind=EventKind.ORDER_PAID,
        channel=ChannelKind.SHOP,
        occurred_at=moment,
        account_id=layout.account_id,
        external_id=f"order:{number}",
        handles=(Handle(IdentityKind.CUSTOMER, cell["customer"], layout.account_id, Trust.VERIFIED),),
        properties={"order_id": number, "total": str(total), "currency": layout.currency, "quantity": int(quantity)},
        source={"kind": "import", "label": layout.label, "account_id": layout.account_id},
    )


def _moment(text: str, layout: Layout) -> datetime:
    """A day without a time is noon of the company's zone: the same day in the zones around it."""
    try:
        moment = datetime.strptime(text, layout.date_format)
    except ValueError:
        raise ValueError(f"{text!r} is not a date like {layout.date_format}") from None
    if "%H" not in layout.date_format and "%I" not in layout.date_format:
        moment = datetime.combine(moment, _NOON)
    return moment if moment.tzinfo else moment.replace(tzinfo=layout.zone)


def _number(customer: str, moment: datetime, total: Decimal, quantity: int, equal: Counter[tuple]) -> str:
    key = (customer, moment, total, quantity)
    equal[key] += 1
    return f"{customer}-{moment:%Y%m%d%H%M%S}-{total}-{quantity}-{equal[key]}"
