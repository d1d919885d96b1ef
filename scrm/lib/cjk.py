"""Text of Chinese and other names cut into grams, for substring search by an ordinary GIN index."""

import unicodedata


def grams(text: str) -> list[str]:
    """The distinct one- and two-character grams of a text, folded (NFKC, lower case), sorted. Blanks separate; a query's
    grams are a subset of those of every name that contains it."""
    found: set[str] = set()
    for word in unicodedata.normalize("NFKC", text).casefold().split():
        found.update(word)
        found.update(word[i : i + 2] for i in range(len(word) - 1))
    return sorted(found)
