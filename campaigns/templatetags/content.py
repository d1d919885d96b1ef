from django import template

register = template.Library()


@register.filter
def liquid(name: str, root: str) -> str:
    """{{ "city"|liquid:"contact" }} -> {{ contact.city }}: what a chip of the editor puts into the text."""
    tail = "." if name == "attributes" else ""
    return "{{ " + f"{root}.{name}{tail}" + " }}"
