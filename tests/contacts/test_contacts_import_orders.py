"""Orders from files; the purchase history of CDNOW (Fader and Hardie) as real input, compared with what pandas computes."""

from decimal import Decimal
from io import StringIO

import pandas
import pytest
from django.core.management import CommandError, call_command
from django.db.models import Sum

from contacts.models import Contact, Event, Order
from contacts.order_files import BadLine, Layout, read
from scrm.lib import crypto
from tests.cdnow import cdnow

MAP = ["customer=1", "date=2", "quantity=3", "total=4"]


def run(path, *more):
    out = StringIO()
    call_command("import_orders", str(path), "--map", *MAP, *more, stdout=out, stderr=out)
    return out.getvalue()


@pytest.mark.django_db
def test_cdnow_equals_what_pandas_computes():
    path = cdnow()
    told = run(path, "--sep", "ws", "--date-format", "%Y%m%d", "--currency", "USD")
    assert told.startswith("69659 orders stored, 0 were stored before, 23570 new customers, 0 bad lines")
    assert Contact.objects.count() == 23_570
    assert Order.objects.count() == Event.objects.count() == 69_659
    assert Order.objects.aggregate(n=Sum("quantity"))["n"] == 167_881
    assert Order.objects.aggregate(n=Sum("total"))["n"] == Decimal("2500315.63")
    assert Contact.objects.aggregate(n=Sum("order_total"))["n"] == Decimal("2500315.63")
    table = pandas.read_csv(
        path, sep=r"\s+", skiprows=1, names=["customer", "date", "cds", "dollars"], dtype={"customer": str, "date": str}
    )
    table["date"] = pandas.to_datetime(table["date"], format="%Y%m%d")
    expected = table.groupby("customer").agg(
        orders=("date", "size"), total=("dollars", "sum"), first=("date", "min"), last=("date", "max")
    )
    rows = Contact.objects.values_list(
        "identities__value", "order_count", "order_total", "first_order_at", "last_order_at"
    )
    ours = (
        pandas.DataFrame(
            [
                (crypto.unseal_text(value, "identity"), count, float(total), first, last)
                for value, count, total, first, last in rows.iterator()
            ],
            columns=["customer", "orders", "total", "first", "last"],
        )
        .set_index("customer")
        .sort_index()
    )
    for name in ("first", "last"):
        ours[name] = ours[name].dt.tz_convert("Asia/Shanghai").dt.tz_localize(None).dt.normalize()
    assert list(ours.index) == list(expected.index)
    assert (ours["orders"] == expected["orders"]).all()
    assert ((ours["total"] - expected["total"]).abs() < 0.005).all()
    assert (ours["first"] == expected["first"]).all()
    assert (ours["last"] == expected["last"]).all()
    events = Event.objects.values_list("local_date", flat=True)
    assert (min(events).isoformat(), max(events).isoformat()) == ("1997-01-01", "1998-06-30")
    again = run(path, "--sep", "ws", "--date-format", "%Y%m%d", "--currency", "USD", "--batch", "20000")
    assert again.startswith("0 orders stored, 69659 were stored before, 0 new customers")
    assert Order.objects.count() == 69_659


LINES = """customer,day,pieces,amount
a,2026-01-05,1,10.00
a,2026-01-05,1,10.00
b,2026-01-06,2,"1,250.50"

c,tomorrow,1,5
c,2026-01-07,1,-5
,2026-01-07,1,5
d,2026-01-07,half,5
"""


@pytest.mark.django_db
def test_bad_lines_are_told_with_their_number(tmp_path):
    path = tmp_path / "orders.csv"
    path.write_text(LINES, encoding="utf-8-sig")
    told = run(path)
    assert "3 orders stored, 0 were stored before, 2 new customers, 4 bad lines" in told
    assert "line 6: 'tomorrow' is not a date" in told
    assert "line 9: the quantity 'half' is not a whole number" in told
    assert set(Order.objects.values_list("total", flat=True)) == {Decimal("10.00"), Decimal("1250.50")}
    assert Contact.objects.filter(source_kind="import", source_label="orders.csv").count() == 2


@pytest.mark.django_db
def test_a_longer_file_in_another_order_adds_only_what_is_new(tmp_path):
    path = tmp_path / "orders.csv"
    lines = LINES.splitlines()[1:4]
    path.write_text("\n".join(lines))
    run(path)
    path.write_text("\n".join(["a,2026-01-05,1,10.00", "a,2026-01-04,1,9", *reversed(lines)]))
    assert "2 orders stored, 3 were stored before" in run(path)
    assert Order.objects.count() == 5


def test_equal_orders_of_one_day_have_ids_of_their_own():
    layout = Layout({"customer": 1, "date": 2, "total": 3})
    events = list(read(["a,2026-01-05,10"] * 3, layout))
    assert len({event.external_id for event in events}) == 3
    assert [type(item) for item in read(["a,x,10", "a,y,10"], layout)] == [BadLine]


@pytest.mark.django_db
@pytest.mark.parametrize(
    "arguments", [["customer=1", "date=2"], ["customer=1", "date=2", "total=x"], ["who=1", "date=2", "total=3"]]
)
def test_a_wrong_map_is_refused(arguments, tmp_path):
    with pytest.raises(CommandError, match="--map"):
        call_command("import_orders", str(tmp_path / "x"), "--map", *arguments)


@pytest.mark.django_db
def test_a_missing_or_unreadable_file_is_told(tmp_path):
    with pytest.raises(CommandError, match="Cannot read"):
        run(tmp_path / "absent.csv")
    (tmp_path / "x.csv").write_text("a;b\nc;d\n")
    with pytest.raises(CommandError, match="No line could be read"):
        run(tmp_path / "x.csv")
