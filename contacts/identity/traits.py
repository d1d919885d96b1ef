"""What events say about a person: name, language, time zone, region, city and custom attributes."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import available_timezones

from django.db import connection

from contacts.enums import IdentityKind, Trust
from contacts.log.copying import array, clean, json_text, stamps, text_array
from contacts.log.incoming import Incoming
from scrm.lib import cjk

if TYPE_CHECKING:
    from contacts.identity.resolving import Person, Shown

COLUMNS = {"name": 120, "language": 10, "time_zone": 64, "region": 60, "city": 60}
"""Traits that are columns of a contact, with their longest length."""
_MOST_ATTRIBUTES = 50
_ZONES: frozenset[str] = frozenset()


@dataclass
class Facts:
    """What one chunk tells about one person, the later over the earlier, the proven over the rest."""

    at: datetime
    strong: bool = False
    """Told by a source that proves who it speaks of."""
    text: dict[str, str] = field(default_factory=dict)
    attributes: dict[str, Any] = field(default_factory=dict)

    def add(self, text: dict[str, str], attributes: dict[str, Any], strong: bool, at: datetime) -> None:
        if strong >= self.strong:
            self.text |= text
            self.attributes |= attributes
        else:
            self.text = text | self.text
            self.attributes = attributes | self.attributes
        self.strong = self.strong or strong
        self.at = max(self.at, at)


def collect(
    batch: Sequence[Incoming], shown: list[list["Shown"]], people: list["Person | None"]
) -> dict["Person", Facts]:
    """Facts per person over the chunk."""
    found: dict[Person, Facts] = {}
    for n, event in enumerate(batch):
        if not event.traits or (person := people[n]) is None:
            continue
        person = person.root()
        proven = any(trust >= Trust.VERIFIED and key[0] != IdentityKind.ANONYMOUS for key, trust in shown[n])
        text, attributes = split(event.traits)
        facts = found.setdefault(person, Facts(event.occurred_at))
        facts.add(text, attributes, proven or event.contact_id is not None, event.occurred_at)
    return found


def split(traits: dict[str, Any]) -> tuple[dict[str, str], dict[str, Any]]:
    """Columns (cut to their length, blanks and unknown time zones left out) and custom attributes."""
    text: dict[str, str] = {}
    for column, longest in COLUMNS.items():
        value = traits.get(column)
        if isinstance(value, str | int) and not isinstance(value, bool):
            value = clean(str(value)).strip()[:longest]
            if value and (column != "time_zone" or value in _zones()):
                text[column] = value
    custom = {str(key)[:60]: value for key, value in traits.items() if key not in COLUMNS and value is not None}
    return text, dict(list(custom.items())[:_MOST_ATTRIBUTES])


def apply(told: dict["Person", Facts]) -> None:
    """Traits of stored contacts. Blanks are always filled. What is there gives way only to a newer proven source (or to any,
    as long as nothing is proven of the contact), and a name that a person of ours edited gives way to nobody."""
    rows = [(person.root().id, facts) for person, facts in told.items() if facts.text or facts.attributes]
    if not rows:
        return
    text = {column: text_array(facts.text.get(column, "") for _id, facts in rows) for column in COLUMNS}
    grams = text_array(json_text(cjk.grams(facts.text.get("name", ""))) for _id, facts in rows)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE contacts_contact c SET"
            " name = CASE WHEN t.takes_name THEN t.name ELSE c.name END,"
            " name_grams = CASE WHEN t.takes_name THEN ARRAY(SELECT jsonb_array_elements_text(t.grams)) ELSE c.name_grams END,"
            + ",".join(
                f" {column} = CASE WHEN t.{column} <> '' AND (c.{column} = '' OR t.wins) THEN t.{column} ELSE c.{column} END"
                for column in COLUMNS
                if column != "name"
            )
            + ", attributes = CASE WHEN t.wins THEN c.attributes || t.attributes ELSE t.attributes || c.attributes END"
            " FROM (SELECT t.*, r.wins,"
            "   t.name <> '' AND (k.name = '' OR (r.wins AND k.version = 1)) AS takes_name"
            "   FROM unnest(%s::bigint[], %s::boolean[], %s::timestamptz[], %s::text[], %s::text[], %s::text[], %s::text[],"
            "   %s::text[], %s::jsonb[], %s::jsonb[])"
            "   AS t(id, strong, at, name, language, time_zone, region, city, grams, attributes)"
            "   JOIN contacts_contact k ON k.id = t.id"
            "   CROSS JOIN LATERAL (SELECT t.at >= k.last_seen_at AND (t.strong OR NOT EXISTS ("
            "     SELECT 1 FROM contacts_identity i WHERE i.contact_id = k.id AND i.trust = 2 AND i.kind <> 'anonymous'"
            "   )) AS wins) r) t"
            " WHERE c.id = t.id",
            [
                array(contact_id for contact_id, _facts in rows),
                array(facts.strong for _id, facts in rows),
                stamps(facts.at for _id, facts in rows),
                *text.values(),
                grams,
                text_array(json_text(facts.attributes) for _id, facts in rows),
            ],
        )


def _zones() -> frozenset[str]:
    global _ZONES
    if not _ZONES:
        _ZONES = frozenset(available_timezones())
    return _ZONES
