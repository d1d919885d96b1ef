import hashlib
from collections import defaultdict

from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from journeys.steps.base import Kind, Problem, Told

MOST_ARMS = 6


class AbSplit(Kind):
    """Arms by a stable hash of (split, contact): the same person always takes the same arm, in every run."""

    key, label, icon, tone, group = "ab", _("A/B split"), "flask", "t-ai", "flow"
    template = "journeys/steps/_ab.html"
    needs_branches = True

    def new(self):
        return {}, [
            {"key": "a", "name": "A", "weight": 50, "steps": []},
            {"key": "b", "name": "B", "weight": 50, "steps": []},
        ]

    def tell(self, step, names):
        weights = " : ".join(str(branch["weight"]) for branch in step["branches"])
        return Told(step["name"] or self.label, format_lazy(_("{weights}, by chance, for good"), weights=weights))

    def check(self, step, names):
        if sum(branch["weight"] for branch in step["branches"]) != 100:
            yield Problem(step["key"], _("The shares of the arms must add up to 100 %."))

    def enter(self, people, node, walk):
        arms = defaultdict(list)
        salt = node.config.get("salt") or f"{people[0].journey_id}:{node.key}"
        for person in people:
            arms[arm(salt, person.contact_id, node.branches)].append(person)
        for key, group in arms.items():
            walk.leave(group, key)

    def rehearse(self, node, rehearsal):
        salt = node.config.get("salt") or f"{rehearsal.journey_id}:{node.key}"
        key = arm(salt, rehearsal.contact.pk, node.branches)
        name = next(branch["name"] or key for branch in node.branches if branch["key"] == key)
        rehearsal.add(format_lazy(_("Drawn into arm {name}, in every run."), name=name))
        return key


def arm(salt: str, contact_id: int, branches: list[dict]) -> str:
    """Key of the arm. The point in [0, 100) depends on the split and the contact only, so a weight can grow at the end
    of the list without moving people between the arms before it."""
    digest = hashlib.blake2b(f"{salt}:{contact_id}".encode(), digest_size=8).digest()
    point = int.from_bytes(digest, "big") / 2**64 * 100
    edge = 0.0
    for branch in branches:
        edge += branch["weight"]
        if point < edge:
            return branch["key"]
    return branches[-1]["key"]


KIND = AbSplit()
