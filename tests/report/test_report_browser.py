"""The page in a real browser: it runs clean, asks for nothing, fits a telephone, and its script works."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from contrast import least_contrast
from watch_report import BODY, LABELS, make_code, make_reason, make_report, make_sample

from vqtext.report.content import Confusion
from vqtext.report.html import render

playwright = pytest.importorskip("playwright.sync_api", reason="the browser test needs playwright")
NAMES = ("chromium-headless-shell", "chromium", "google-chrome")
EXECUTABLE = next(filter(None, map(shutil.which, NAMES)), None)
pytestmark = pytest.mark.skipif(EXECUTABLE is None, reason=f"none of {', '.join(NAMES)} is on the PATH")

SCRIPT = "<script>document.title = 'broken into'</script>"


@pytest.fixture(scope="module")
def browser() -> Iterator[object]:
    with playwright.sync_playwright() as p:
        # As root, which is usual in containers, chromium starts only without its sandbox.
        browser = p.chromium.launch(executable_path=EXECUTABLE, args=["--no-sandbox"])
        yield browser
        browser.close()


@contextmanager
def opened(browser, path: Path, **options: object) -> Iterator[object]:
    """The page, offline; on the way out, no error and no request but the file itself."""
    context = browser.new_context(offline=True, **options)
    page = context.new_page()
    trouble: list[str] = []
    requests: list[str] = []
    page.on("pageerror", lambda error: trouble.append(str(error)))
    page.on("console", lambda message: trouble.append(message.text))
    page.on("request", lambda request: requests.append(request.url))
    page.goto(path.as_uri())
    yield page
    context.close()
    assert trouble == []
    assert requests == [path.as_uri()]


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    def write(**changes: object) -> Path:
        path = tmp_path / "report.html"
        path.write_text(render(make_report(**changes)), encoding="utf-8")
        return path

    return write


def nasty() -> dict[str, object]:
    labels = (SCRIPT, "걷기 🚶 " * 8, "x" * 400, *(f"activity {i}" for i in range(16)))
    phrases = (SCRIPT, "x" * 400, "שלום עולם", *(f"name {i}" for i in range(27)))
    signal = np.random.default_rng(0).normal(size=(45, 125))
    signal[0], signal[1], signal[:, 40:50] = np.nan, 3, np.nan
    reason = make_reason(labels[2], phrases, 30)
    return {
        "title": SCRIPT,
        "labels": labels,
        "confusion": Confusion("tokens", np.full((19, 19), 105)),
        "samples": (make_sample(signal=signal, channels=BODY, reason=reason, true_label=SCRIPT),),
        "codebook": (make_code(name="x" * 400, runner_up=SCRIPT, labels=dict.fromkeys(labels, 1 / 19)),),
        "settings": {"x" * 200: "x" * 400},
        "notes": ("x" * 400,),
    }


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("content", ["plain", "nasty"])
def test_nothing_scrolls_sideways(browser, write, content: str, width: int, scheme: str) -> None:
    path = write(**(nasty() if content == "nasty" else {}))
    with opened(browser, path, viewport={"width": width, "height": 800}, color_scheme=scheme) as page:
        page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true })")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate("document.querySelectorAll('script').length") == 1
        assert page.title() != "broken into"
        if content == "nasty":
            assert page.locator("h1").inner_text() == SCRIPT


def test_dark_and_light_are_both_readable(browser, write) -> None:
    ink = {}
    for scheme in ("light", "dark"):
        with opened(browser, write(), color_scheme=scheme) as page:
            ink[scheme] = least_contrast(
                page, "main *, header *, footer", "svg, .strip, .heat td, .heard, select"
            )
    for scheme, worst in ink.items():
        assert worst >= 4.5, f"{scheme}: the weakest contrast of text on its ground is {worst:.2f}"


def test_traces_are_drawn(browser, write) -> None:
    with opened(browser, write(), viewport={"width": 1280, "height": 900}) as page:
        box = page.locator(".card .plot path.trace").first.bounding_box()
        assert box["width"] > 400
        assert box["height"] > 20


def test_hover_lights_the_same_name_everywhere(browser, write) -> None:
    with opened(browser, write(), reduced_motion="reduce") as page:
        page.locator(".card .steps li").first.hover()
        assert {opacity for name, opacity in page.evaluate(OPACITIES) if name == "0"} == {"1"}
        assert {opacity for name, opacity in page.evaluate(OPACITIES) if name != "0"} == {"0.22"}
        page.mouse.move(1, 1)
        assert {opacity for _, opacity in page.evaluate(OPACITIES)} == {"1"}


def test_filter(browser, write) -> None:
    with opened(browser, write()) as page:
        assert page.locator(".card:visible").count() == 3
        page.select_option("select[name=verdict]", "wrong")
        assert page.locator(".card:visible h3").all_inner_texts() == ["walking"]
        assert page.locator(".filter output").inner_text().startswith("1 of 3 windows")
        page.select_option("select[name=verdict]", "")
        page.select_option("select[name=labels]", label=LABELS[1])
        assert page.locator(".card:visible").count() == 1
        assert page.locator(".code:visible").count() == 40


def test_whole_without_script(browser, write) -> None:
    with opened(browser, write(), java_script_enabled=False) as page:
        assert page.locator(".filter").is_hidden()
        assert page.locator(".card").count() == 3
        assert page.locator(".card").first.is_visible()


def test_a_screen_reader_hears_the_reason(browser, write) -> None:
    with opened(browser, write()) as page:
        heard = page.locator(".card").first.aria_snapshot()
    assert 'heading "walking"' in heard
    assert "In order: swing the arm forward 0.0 to 0.6 seconds" in heard
    assert "listitem: swing the arm forward" in heard


OPACITIES = """() =>
  [...document.querySelectorAll("[data-name]")].map(e => [e.dataset.name, getComputedStyle(e).opacity])
"""
