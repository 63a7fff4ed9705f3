"""The studio in a real browser, by keyboard alone: a user would lose the page, or what was said on it."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from contrast import least_contrast
from fake_session import STEPS, FakeSession
from studio_server import Studio

from vqtext.pipeline.correcting.corrections import read_corrections

playwright = pytest.importorskip("playwright.sync_api", reason="the browser test needs playwright")
NAMES = ("chromium-headless-shell", "chromium", "google-chrome")
EXECUTABLE = next(filter(None, map(shutil.which, NAMES)), None)
pytestmark = pytest.mark.skipif(EXECUTABLE is None, reason=f"none of {', '.join(NAMES)} is on the PATH")

SCRIPT = (
    "<script>document.title = 'broken into'</script><img src=x onerror=\"document.title = 'broken into'\">"
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as p:
        # As root, which is usual in containers, chromium starts only without its sandbox.
        browser = p.chromium.launch(executable_path=EXECUTABLE, args=["--no-sandbox"])
        yield browser
        browser.close()


@contextmanager
def opened(browser: Any, studio: Studio, failures: int = 0, **options: Any) -> Iterator[Any]:
    """The page; on the way out, no error, and no request to anywhere else.

    Args:
        failures: answers that are meant to be refusals; the browser tells them on its console.
    """
    context = browser.new_context(viewport={"width": 1280, "height": 800}, locale="en-GB", **options)
    page = context.new_page()
    page.set_default_timeout(10_000)
    trouble: list[str] = []
    requests: list[str] = []
    page.on("pageerror", lambda error: trouble.append(str(error)))
    page.on("console", lambda message: trouble.append(message.text))
    page.on("request", lambda request: requests.append(request.url))
    page.goto(studio.url)
    page.wait_for_selector("html[data-ready]")
    yield page
    context.close()
    assert len(trouble) == failures and all("422" in line for line in trouble), trouble
    assert all(url.startswith((studio.url, "data:")) for url in requests)


def press(page: Any, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def until(page: Any, holds: str) -> None:
    """Wait for it; the browser's own way would evaluate a text inside the page, which its rules forbid."""
    for _ in range(400):
        if page.evaluate(holds):
            return
        page.wait_for_timeout(25)
    raise AssertionError(f"never: {holds}")


def settled(page: Any) -> str:
    """What the status line says when all is done."""
    until(page, "!/…$/.test(document.querySelector('#status').textContent)")
    return str(page.inner_text("#status"))


def spoken(studio: Studio) -> list[tuple[Any, ...]]:
    return [(c.kind, c.start_s, c.end_s, c.phrase) for c in read_corrections(studio.cache).corrections]


def test_all_of_it_by_keyboard_and_a_reload_shows_it(browser: Any, studio: Studio) -> None:
    with opened(browser, studio, failures=1) as page:
        seen = "[window.studio.view.range.start, window.studio.view.range.end]"
        start, end = page.evaluate(seen)
        press(page, "ArrowRight", "+")
        moved = page.evaluate(seen)
        assert moved[0] > start and moved[1] - moved[0] < end - start
        press(page, "End")
        assert page.evaluate(seen)[1] == pytest.approx(60)
        press(page, "0")
        assert page.evaluate(seen) == pytest.approx([0, 60])
        press(page, "+", "+", "+", "+", "+", "Home")

        press(page, "ArrowDown")  # a step is chosen
        page.wait_for_selector("#panel .evidence")
        assert "left wrist" in page.inner_text("#panel .evidence")
        shown = page.evaluate("[window.studio.app.target.start, window.studio.app.target.end]")
        press(page, "4")  # and mended
        page.wait_for_selector("#panel .corrected")
        assert "another name" in settled(page)
        assert spoken(studio) == [("is", *map(pytest.approx, shown), STEPS["walking"][3])]

        press(page, "n")  # a question
        page.wait_for_selector("#panel .question")
        press(page, "Enter")  # it is what it is thought to be
        page.wait_for_selector(".history li:nth-child(2)")
        settled(page)
        assert len(spoken(studio)) == 2

        press(page, "Escape", "ArrowDown", "b", "ArrowRight", "ArrowRight", "Shift+ArrowRight")
        border = page.evaluate("window.studio.view.edge.at")
        press(page, "Enter")  # a border is moved
        page.wait_for_selector(".history li:nth-child(4)")
        settled(page)
        left, right = spoken(studio)[-2:]
        assert left[2] == right[1] == pytest.approx(border) and left[1] < border < right[2]

        press(page, "Control+z")
        page.wait_for_selector(".history li:nth-child(4)", state="detached")
        settled(page)
        assert len(spoken(studio)) == 2
        page.reload()
        page.wait_for_selector("html[data-ready]")
        assert page.locator(".history li").count() == 2
        assert STEPS["walking"][3] in page.inner_text(".history")
        press(page, "Control+Shift+z")
        page.wait_for_selector(".history li:nth-child(4)")

        press(page, "Home", "ArrowDown")
        while page.evaluate("window.studio.app.target.phrase") != STEPS["walking"][3]:
            press(page, "ArrowDown")
        before = spoken(studio)
        press(page, "x")  # what was said of this step stands against it
        page.wait_for_selector("#notice:visible")
        assert "never happens" in page.inner_text("#notice") and spoken(studio) == before


def test_words_are_edited_by_keyboard_and_a_refusal_tells_why(browser: Any, studio: Studio) -> None:
    with opened(browser, studio, failures=1) as page:
        press(page, "Home", "ArrowDown", "w")
        field = page.locator("form.words details[open] input").first
        assert field.evaluate("e => e === document.activeElement")
        press(page, "Control+a", "Delete", "Enter")
        until(page, "document.querySelector('.trouble').textContent")
        assert "must not be empty" in page.inner_text(".trouble")
        page.keyboard.type("step down on the left")
        press(page, "Enter")
        page.wait_for_selector("#reopen")
        assert "step down on the left" in (studio.cache / "subactions.json").read_text()
        assert page.evaluate("document.activeElement.id") == "view"


def test_who_answers_faster_than_names_are_found_waits_for_nothing(
    browser: Any, studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was typed and what is asked stay, when what follows from an earlier answer arrives."""
    may_go_on, names = threading.Event(), studio.session.names
    with opened(browser, studio) as page:
        press(page, "n")
        page.wait_for_selector("#panel .question")
        monkeypatch.setattr(studio.session, "names", lambda said: may_go_on.wait(10) and names(said))
        for count in (1, 2, 3):
            press(page, "Enter", "n")
            page.wait_for_selector(f".history li:nth-child({count})")
        until(page, "window.studio.app.target.isQuestion")
        asked = page.evaluate("window.studio.app.target.start")
        assert len(spoken(studio)) == 3
        press(page, "w")
        page.wait_for_selector("form.words")
        page.keyboard.type("slowly ")
        may_go_on.set()
        settled(page)
        page.wait_for_timeout(100)
        assert (
            "slowly" in page.input_value("form.words details[open] input")
            and page.locator("form.words").count() == 1
        )
        press(page, "Escape")
        assert page.evaluate("window.studio.app.target.isQuestion && window.studio.app.target.start") == asked


def test_hostile_labels_are_text(browser: Any, open_studio: Callable[..., Studio]) -> None:
    steps = {SCRIPT: [SCRIPT, "x" * 10_000, "שלום עולם"], "걷기 🚶": ["a\u202eb", "\x00\x1b[31m", "&lt;"]}
    name = f"{SCRIPT} session"
    studio = open_studio(FakeSession(steps, {name: 30.0, "y" * 10_000: 20.0}))
    with opened(browser, studio) as page:
        for _ in range(3):
            press(page, "ArrowDown")
            page.wait_for_selector("#panel .evidence")
        press(page, "2")
        page.wait_for_selector(".history li")
        settled(page)
        press(page, "w")
        page.wait_for_selector("form.words")
        press(page, "Escape", "End", "ArrowDown")
        assert page.title() == "vqtext studio"
        assert page.locator("script").count() == 1 and page.locator("img").count() == 0
        assert page.inner_text("#where bdi") == name
        assert page.evaluate("document.documentElement.scrollWidth") <= 1280
        assert page.evaluate("document.documentElement.scrollHeight") <= 800


def test_a_mouse_picks_moves_borders_and_marks_stretches(browser: Any, studio: Studio) -> None:
    with opened(browser, studio) as page:
        box = page.locator("#view").bounding_box()

        def at(seconds: float, y: float = 75) -> tuple[float, float]:
            return box["x"] + page.evaluate(f"window.studio.view.x({seconds})"), box["y"] + y

        page.mouse.click(*at(0.9))
        page.wait_for_selector("#panel .evidence")
        assert page.input_value("[data-key=from]") == "0.60"
        page.mouse.move(*at(1.2))
        page.mouse.down()
        page.mouse.move(*at(1.3))
        page.mouse.move(*at(1.4))
        page.mouse.up()
        page.wait_for_selector(".history li:nth-child(2)")
        settled(page)
        assert spoken(studio)[0][2] == pytest.approx(1.4, abs=0.02)
        page.keyboard.down("Shift")
        page.mouse.move(*at(2.0, 300))
        page.mouse.down()
        page.mouse.move(*at(3.0, 300), steps=3)
        page.mouse.up()
        page.keyboard.up("Shift")
        press(page, "1")
        page.wait_for_selector(".history li:nth-child(3)")
        settled(page)
        assert spoken(studio)[-1][1:3] == (pytest.approx(2, abs=0.02), pytest.approx(3, abs=0.02))
        before = page.evaluate("window.studio.view.range.end")
        page.mouse.move(*at(2.5))
        page.mouse.wheel(0, 300)
        until(page, f"window.studio.view.range.end > {before}")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_can_be_read_and_heard_in_both_languages(browser: Any, studio: Studio, scheme: str) -> None:
    with opened(browser, studio, color_scheme=scheme) as page:
        press(page, "ArrowDown")
        page.wait_for_selector("#panel .evidence")
        assert least_contrast(page, "body *", "select, .announcement, :disabled, kbd") >= 4.5
        heard = page.locator("body").aria_snapshot()
        assert 'application "Signal and steps' in heard and 'button "Next question' in heard
        assert "plant the left foot" in page.inner_text("#announcement") or "swing" in page.inner_text(
            "#announcement"
        )
        page.select_option("#language", "ko")
        assert page.inner_text("#next").startswith("다음 질문")
        assert page.evaluate("document.documentElement.lang") == "ko"
        keys = page.evaluate(
            "import('./texts.js').then(m => ['en', 'ko'].map(l => Object.keys(m.TEXTS[l]).sort().join()))"
        )
        assert keys[0] == keys[1]


def test_signals_are_drawn(browser: Any, studio: Studio) -> None:
    with opened(browser, studio) as page:
        until(page, "window.studio.view.tile.near || window.studio.view.tile.whole")
        page.wait_for_timeout(100)
        assert page.evaluate(INKED) > 1000


# How many pixels of the lower half of the canvas are not of its ground.
INKED = """() => {
  const canvas = document.querySelector('#view'), on = canvas.getContext('2d');
  const { data } = on.getImageData(0, canvas.height / 2, canvas.width, canvas.height / 3);
  let count = 0;
  for (let i = 3; i < data.length; i += 4) count += data[i] > 100;
  return count;
}"""
