"""Platform XML as nested dicts, parsed without entities, document types or surprises."""

from xml.etree.ElementTree import Element, ParseError

from defusedxml import ElementTree
from defusedxml.common import DefusedXmlException

_DEEPEST = 12


class NotXml(ValueError):
    """The text is not the XML we take. ``hostile``: it declares a document type or entities."""

    def __init__(self, reason: str, *, hostile: bool = False) -> None:
        super().__init__(reason)
        self.hostile = hostile


def parse(text: bytes | str) -> dict[str, object]:
    """Children of the root: text, or a dict when a child has children; a repeated child becomes a list. Raises NotXml."""
    try:
        root = ElementTree.fromstring(text, forbid_dtd=True, forbid_entities=True, forbid_external=True)
    except DefusedXmlException as error:
        raise NotXml(f"declares a document type or entities: {type(error).__name__}", hostile=True) from None
    except (ParseError, ValueError, LookupError) as error:  # LookupError: an encoding nobody knows
        raise NotXml(f"not well-formed: {error}") from None
    found = _value(root, 0)
    return found if isinstance(found, dict) else {}


def _value(node: Element, depth: int) -> object:
    if depth > _DEEPEST:
        raise NotXml("nested too deeply", hostile=True)
    if not len(node):
        return (node.text or "").strip()
    found: dict[str, object] = {}
    for child in node:
        value = _value(child, depth + 1)
        if child.tag in found:
            before = found[child.tag]
            found[child.tag] = [*before, value] if isinstance(before, list) else [before, value]
        else:
            found[child.tag] = value
    return found


def cdata(text: str) -> str:
    """A CDATA section of any text: ``]]>`` inside is split over two sections. Characters XML cannot carry are dropped."""
    clean = "".join(c for c in text if c in "\t\n\r" or c >= " ")
    return "<![CDATA[" + clean.replace("]]>", "]]]]><![CDATA[>") + "]]>"
