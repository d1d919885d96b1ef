"""A real browser for tests: the Chromium that npm brought (with Chinese fonts), else the one of the system.

``browser`` is one process for the whole session; ``tab()`` opens a page of its own in it and, at the end of the test, fails
it if the page logged an error to its console.
"""

import os
import platform
import shutil
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
_PACKED = ROOT / "node_modules" / "@sparticuz" / "chromium" / "bin"
_FONTS = ROOT / "node_modules" / "@expo-google-fonts" / "noto-sans-sc"
_READY = ROOT / "node_modules" / ".chromium"
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-dev-shm-usage",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--font-render-hinting=none",
]  # fmt: skip


def find_chromium() -> tuple[str, dict[str, str]]:
    """Program and environment: CHROMIUM, npm's, the system's. Raises FileNotFoundError with what to do."""
    if given := os.environ.get("CHROMIUM"):
        return given, {}
    if (_PACKED / "chromium.br").exists() and platform.system() == "Linux" and platform.machine() == "x86_64":
        return str(_unpacked() / "chromium"), {
            "FONTCONFIG_FILE": str(_READY / "fonts.conf"),
            "LD_LIBRARY_PATH": str(_READY / "lib"),
            "HOME": str(_READY),
        }
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return found, {}
    raise FileNotFoundError("No browser: run `make test` (it brings one), or apt install chromium fonts-noto-cjk.")


def _unpacked() -> Path:
    """npm's Chromium is compressed; unpack it once, into a draft folder first since test processes race."""
    if not (_READY / "chromium").exists():
        import brotli

        draft = _READY.with_name(f".chromium.{os.getpid()}")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir()
        (draft / "chromium").write_bytes(brotli.decompress((_PACKED / "chromium.br").read_bytes()))
        (draft / "chromium").chmod(0o755)
        for name in ("al2023.tar", "swiftshader.tar", "fonts.tar"):
            (draft / name).write_bytes(brotli.decompress((_PACKED / f"{name}.br").read_bytes()))
            with tarfile.open(draft / name) as archive:
                archive.extractall(draft, **({"filter": "data"} if hasattr(tarfile, "data_filter") else {}))
            (draft / name).unlink()
        folders = [_READY / "fonts", *(_FONTS / weight for weight in ("400Regular", "600SemiBold", "700Bold"))]
        lines = "".join(f"<dir>{folder}</dir>" for folder in folders)
        (draft / "fonts.conf").write_text(
            '<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd">'
            f"<fontconfig>{lines}<cachedir>{_READY / 'cache'}</cachedir></fontconfig>"
        )
        try:
            draft.rename(_READY)
        except OSError:
            shutil.rmtree(draft)  # another process was first
    return _READY


@pytest.fixture(scope="session")
def browser() -> Iterator:
    """A Playwright Browser."""
    from playwright.sync_api import sync_playwright

    try:
        program, environment = find_chromium()
    except FileNotFoundError as error:
        pytest.fail(str(error))
    # Playwright's sync API runs an event loop in this thread, which Django takes for an asynchronous context.
    before = os.environ.get("DJANGO_ALLOW_ASYNC_UNSAFE")
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=program, args=FLAGS, env={**os.environ, **environment})
        yield running
        running.close()
    if before is None:
        del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture
def tab(browser) -> Iterator[Callable]:
    """tab(width=1440, height=900, locale="zh-CN", **context options) -> a Playwright Page with cookies of its own."""
    contexts, errors = [], []

    def open_tab(width: int = 1440, height: int = 900, locale: str = "zh-CN", **options):
        options = {"viewport": {"width": width, "height": height}, "locale": locale, **options}
        contexts.append(browser.new_context(**options))
        page = contexts[-1].new_page()
        page.on("console", lambda line: errors.append(f"{page.url}: {line.text}") if line.type == "error" else None)
        page.on("pageerror", lambda error: errors.append(f"{page.url}: {error}"))
        return page

    open_tab.errors = errors  # a test that provokes one takes it out
    yield open_tab
    for context in contexts:
        context.close()
    assert not errors, "\n".join(errors)
