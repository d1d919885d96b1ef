"""The content editor's form: a name, a purpose and any number of variants, posted as ``v-<n>-<field>``."""

import re
from dataclasses import dataclass, field

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from campaigns.actions.content import VariantDraft, variant_problems
from campaigns.content import Problem
from campaigns.enums import ContentFormat
from campaigns.models import Content, Variant
from contacts.enums import ChannelKind, Purpose
from scrm.core.enums import Language

CHANNELS = [ChannelKind.OA, ChannelKind.EMAIL]
"""Channels that have a connector able to send."""
FORMATS = {ChannelKind.OA: [ContentFormat.TEXT], ChannelKind.EMAIL: [ContentFormat.MARKDOWN, ContentFormat.HTML]}


class ContentForm(forms.ModelForm):
    class Meta:
        model = Content
        fields = ["name", "purpose"]
        widgets = {"purpose": forms.Select}

    purpose = forms.ChoiceField(
        label=gettext_lazy("Purpose"),
        choices=[(Purpose.MARKETING, Purpose.MARKETING.label), (Purpose.TRANSACTIONAL, Purpose.TRANSACTIONAL.label)],
        help_text=gettext_lazy(
            "Marketing obeys consent, quiet hours and frequency caps; transactional answers something the customer did."
        ),
    )


@dataclass
class VariantRow:
    """One variant in the editor, with what was typed and what is wrong with it."""

    number: int
    draft: VariantDraft
    problems: list[Problem] = field(default_factory=list)

    @property
    def key(self) -> str:
        return f"{self.draft.channel}-{self.draft.language}"

    @property
    def channel_label(self) -> str:
        return str(ChannelKind(self.draft.channel).label)

    @property
    def language_label(self) -> str:
        return str(Language(self.draft.language).label)

    @property
    def formats(self) -> list[ContentFormat]:
        return FORMATS[ChannelKind(self.draft.channel)]

    @property
    def is_mail(self) -> bool:
        return self.draft.channel == ChannelKind.EMAIL

    def unsaved(self) -> Variant:
        """A Variant for previews; not in the database."""
        draft = self.draft
        return Variant(
            channel=draft.channel,
            language=draft.language,
            format=draft.format,
            subject=draft.subject,
            preheader=draft.preheader,
            body=draft.body,
        )


def rows_of(content: Content) -> list[VariantRow]:
    return [
        VariantRow(
            number,
            VariantDraft(row.channel, row.language, row.format, row.subject, row.preheader, row.body),
        )
        for number, row in enumerate(content.variants.order_by("channel", "-language"))
    ]


def blank_row(channel: str, language: str, number: int) -> VariantRow | None:
    """A fresh variant, or None for a channel or language we cannot write for."""
    if channel not in CHANNELS or language not in Language.values:
        return None
    return VariantRow(number, VariantDraft(channel, language, FORMATS[ChannelKind(channel)][0]))


def read_rows(data: QueryDict) -> list[VariantRow]:
    """The posted variants in order, each checked; unknown channels and second copies of a pair are dropped."""
    numbers = sorted({int(found[1]) for key in data if (found := re.fullmatch(r"v-(\d{1,3})-channel", key))})
    rows: list[VariantRow] = []
    for number in numbers:

        def value(name: str, number: int = number) -> str:
            return data.get(f"v-{number}-{name}", "").replace("\r\n", "\n")

        row = blank_row(value("channel"), value("language"), len(rows))
        if row is None or row.key in {other.key for other in rows}:
            continue
        format = value("format") if value("format") in row.formats else row.draft.format
        row.draft = VariantDraft(
            row.draft.channel,
            row.draft.language,
            format,
            value("subject").strip()[:200],
            value("preheader").strip()[:200],
            value("body"),
        )
        row.problems = variant_problems(row.unsaved())
        rows.append(row)
    return rows


def rows_fault(rows: list[VariantRow]) -> str:
    """What is wrong with the set of variants as a whole; empty when nothing."""
    if not rows:
        return _("Add at least one variant.")
    return ""


def missing_pairs(rows: list[VariantRow]) -> list[tuple[str, str, str]]:
    """(channel, language, label) of what could still be added."""
    have = {row.key for row in rows}
    return [
        (channel.value, language.value, f"{channel.label} · {language.label}")
        for channel in CHANNELS
        for language in Language
        if f"{channel.value}-{language.value}" not in have
    ]
