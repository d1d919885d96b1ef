"""Every kind of page once, found as a user finds them: by the links of the pages before."""

from collections import deque
from urllib.parse import urlsplit

from django.urls import Resolver404, resolve

LINKS = "all => all.filter(a => !a.target && !a.hasAttribute('download')).map(a => a.getAttribute('href'))"
WIDTH = "document.documentElement.scrollWidth"


def walk(page, start: str, *, width: int) -> tuple[dict[str, str], list[str]]:
    """Follow the links from ``start`` to the first page of every view. Answers {view: address} and the pages that are wider
    than the window."""
    base = "{0.scheme}://{0.netloc}".format(urlsplit(start))
    seen: dict[str, str] = {}
    wide: list[str] = []
    todo = deque([urlsplit(start).path])
    while todo:
        path = todo.popleft()
        try:
            view = resolve(urlsplit(path).path).view_name
        except Resolver404:
            continue
        if view in seen:
            continue
        seen[view] = path
        page.goto(base + path)
        if (needed := page.evaluate(WIDTH)) > width:
            wide.append(f"{path} needs {needed} px")
        todo.extend(page.locator("a[href^='/']").evaluate_all(LINKS))
    return seen, wide
