"""A user's browser that notices what a user would not: errors on the console, requests that fail, barriers that axe finds."""

import os
import re
from pathlib import Path

from tests.fixtures_sandbox import ROOT

AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
PATIENCE_MS = 30_000
SHOTS = os.environ.get("ROAD_SHOTS", "")
"""A folder for a picture of every page that is looked at."""


class Eyes:
    """Pages of one browser, and everything that went wrong on any of them."""

    def __init__(self, browser) -> None:
        self.browser = browser
        self.wrong: list[str] = []
        self.seen: list[str] = []
        self.contexts: list = []

    def open(self, url: str, *, locale: str = "zh-CN", width: int = 1440, height: int = 1000):
        """A Playwright page with cookies of its own, at ``url``. Windows it opens are watched too."""
        context = self.browser.new_context(viewport={"width": width, "height": height}, locale=locale)
        context.set_default_timeout(PATIENCE_MS)
        context.on("page", self.watch)
        self.contexts.append(context)
        page = context.new_page()
        page.goto(url)
        return page

    def watch(self, page) -> None:
        page.on("console", lambda line: self._note(page, line.text) if line.type == "error" else None)
        page.on("pageerror", lambda error: self._note(page, error))
        page.on(
            "response",
            lambda answer: self._note(page, f"{answer.status} {answer.url}") if answer.status >= 400 else None,
        )
        # A request that the page itself gave up, because one moved on, is none of ours.
        page.on(
            "requestfailed",
            lambda ask: None if "ABORTED" in (ask.failure or "") else self._note(page, f"{ask.failure} {ask.url}"),
        )

    def _note(self, page, what) -> None:
        self.wrong.append(f"{page.url}: {what}")

    def forgive(self, status: str) -> None:
        """The page was meant to be refused: forget that answer and the line that the browser writes about it."""
        self.wrong = [one for one in self.wrong if f": {status} " not in one and f"status of {status}" not in one]

    def look(self, page, name: str) -> None:
        """The page is settled; note what axe calls serious or critical."""
        page.wait_for_load_state("load")
        # A part that is being fetched is dimmed for a moment.
        page.wait_for_selector(".htmx-request", state="detached")
        if SHOTS:
            page.screenshot(
                path=str(Path(SHOTS) / f"{len(self.seen):02}-{re.sub(r'[^a-z0-9]+', '-', name.lower())}.png")
            )
        self.seen.append(name)
        page.evaluate(AXE.read_text())
        found = page.evaluate(
            "axe.run(document, {resultTypes: ['violations'], iframes: false}).then(result => result.violations)"
        )
        for one in found:
            if one["impact"] in {"serious", "critical"}:
                self.wrong.append(f"{name} ({page.url}): axe {one['id']}: {one['nodes'][0]['html'][:160]}")

    def expect_nothing_wrong(self) -> None:
        wrong, self.wrong = self.wrong, []
        assert not wrong, "\n".join(wrong)

    def close(self) -> None:
        for context in self.contexts:
            context.close()


def log_in(eyes: Eyes, stack, email: str, password: str, *, language: str = "zh-hans", **options):
    """A page of its own, logged in through the log-in page."""
    page = eyes.open(f"{stack.url}/login/", **options)
    page.fill("main [name=email]", email)
    page.fill("main [name=password]", password)
    page.click("main button.btn-primary")
    page.wait_for_selector("#nav", state="attached")
    return page
