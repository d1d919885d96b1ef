"""What a kind of step is. Each kind is one file of this folder with one ``KIND``; journeys.steps.KINDS lists them."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django import forms
from django.utils.functional import Promise

from journeys.graph import Node
from journeys.tree import Step

if TYPE_CHECKING:
    from journeys.rehearsal import Rehearsal
    from journeys.walk import Person, Walk

Text = str | Promise


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that keeps a design from being published (``error``) or should be known (``warning``). ``step`` is the
    key of the step it belongs to."""

    step: str
    message: Text
    level: str = "error"
    branch: str = ""


@dataclass(slots=True)
class Names:
    """What the ids inside a definition are called, read once for a whole page, and which of them still exist."""

    contents: dict[int, Any] = field(default_factory=dict)
    """campaigns.Content by id with ``channels``: the channels it has a variant for."""
    tags: dict[int, str] = field(default_factory=dict)
    segments: dict[int, str] = field(default_factory=dict)
    batches: dict[int, Any] = field(default_factory=dict)
    language: str = ""


@dataclass(frozen=True, slots=True)
class Told:
    """A step on its card: a headline and one line of detail."""

    title: Text
    detail: Text = ""


class StepForm(forms.Form):
    """Settings of one kind of step. Every field is optional: a draft may be incomplete, the problems list says what is
    missing. ``config()`` is what goes into the definition."""

    def __init__(self, *args: Any, names: Names, **kwargs: Any) -> None:
        self.names = names
        super().__init__(*args, **kwargs)
        for each in self.fields.values():
            each.required = False
            widget = each.widget
            if isinstance(widget, forms.CheckboxInput | forms.CheckboxSelectMultiple):
                widget.attrs.setdefault("class", "form-check-input")
            elif isinstance(widget, forms.Select):
                widget.attrs.setdefault("class", "form-select")
            else:
                widget.attrs.setdefault("class", "form-control")

    def config(self) -> dict[str, Any]:
        return dict(self.cleaned_data)

    @classmethod
    def start(cls, config: dict[str, Any]) -> dict[str, Any]:
        """Initial values of the fields for a stored config."""
        return dict(config)


class Kind:
    """One kind of step. Subclasses say what it looks like, what may be wrong with it, and what it does to people."""

    key: str
    label: Text
    icon: str
    tone: str
    """Class of the tile: a tone (t-warn) or a channel (c-oa)."""
    group: str
    """Section of the palette: reach, flow, act, end."""
    form: type[StepForm] = StepForm
    template = "journeys/steps/_plain.html"
    """Partial of the inspector."""
    needs_branches = False

    def new(self) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """Config and branches of a step that was just inserted."""
        return {}, []

    def tell(self, step: Step, names: Names) -> Told:
        return Told(step["name"] or self.label)

    def look(self, step: Step) -> tuple[str, str]:
        """Icon and tone of this very step."""
        return self.icon, self.tone

    def check(self, step: Step, names: Names) -> Iterable[Problem]:
        """Problems of this step alone; what concerns the way through the tree is in journeys.problems."""
        return ()

    def enter(self, people: "list[Person]", node: Node, walk: "Walk") -> None:
        """People reach the step: hand every one of them to ``walk.leave``, ``walk.park`` or ``walk.finish``."""
        raise NotImplementedError

    def resume(self, people: "list[Person]", node: Node, walk: "Walk") -> None:
        """People who were parked here are woken, by time or by an event."""
        walk.leave(people, "next")

    def rehearse(self, node: Node, rehearsal: "Rehearsal") -> str | None:
        """Dry run for one person: add lines to the rehearsal and answer the branch taken; None ends it. Writes nothing."""
        raise NotImplementedError


def moment_text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M")
