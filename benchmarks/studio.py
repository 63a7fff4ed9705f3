"""How long a person waits in the studio: for the first picture, a question, and what follows a correction.

    python benchmarks/studio.py --cache FOLDER [--end-to-end] [--browser PATH]

FOLDER is a cache up to `dedup`; nothing is written there. With ``--end-to-end`` its windows are laid end to
end as one recording: 12.7 hours of 45 channels of DSADS. Prints seconds, and frames a second while it
is dragged. The browser is headless, and draws without a graphics card.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from vqtext.console.text import table
from vqtext.pipeline.correcting.session import Session
from vqtext.settings.schema import Settings
from vqtext.studio.api import Api
from vqtext.studio.editor import Editor
from vqtext.studio.server import Server
from vqtext.studio.session_view import SessionView

FRAMES = """async () => {
  const { view } = window.studio, times = [], wide = view.range.end - view.range.start;
  for (let i = 0; i < 240; i++) {
    const at = i / 240 * Math.min(view.seconds - wide, 20 * wide);
    view.show(at, at + wide);
    await new Promise(requestAnimationFrame);
    times.push(performance.now());
  }
  const gaps = times.slice(1).map((time, i) => time - times[i]).sort((a, b) => a - b);
  const mean = gaps.reduce((a, b) => a + b) / gaps.length;
  return { mean: 1000 / mean, worst: gaps[Math.floor(.99 * gaps.length)] };
}"""


def main() -> None:
    from playwright.sync_api import sync_playwright

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--end-to-end", action="store_true")
    parser.add_argument(
        "--browser", default=shutil.which("chromium-headless-shell") or shutil.which("chromium")
    )
    args = parser.parse_args()
    rows: list[tuple[str, str, str]] = []

    def timed(what: str, work: Callable[[], Any]) -> Any:
        begin, busy = time.perf_counter(), time.process_time()
        answer = work()
        own = time.process_time() - busy
        rows.append((what, f"{time.perf_counter() - begin:.2f} s", f"{own:.2f} s of CPU in Python"))
        return answer

    session = timed("load the session", lambda: Session(Settings(cache=args.cache)))
    if args.end_to_end:
        _lay_out(session)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as p:
        cache = Path(folder)
        shutil.copy(args.cache / "subactions.json", cache)
        api = Api(Editor(cache, session.check), lambda: SessionView(session))
        server = Server(api.routes())
        threading.Thread(target=server.serve_forever, daemon=True).start()
        timed("names of all", api.prepare)
        browser = p.chromium.launch(executable_path=args.browser, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.set_default_timeout(600_000)

        def until(holds: str) -> None:
            while not page.evaluate(holds):
                page.wait_for_timeout(5)

        def opened() -> None:
            page.goto(server.url)
            until("window.studio?.view.tile.whole && window.studio.view.spans.start.length")

        def said() -> None:
            page.keyboard.press("1")
            page.wait_for_selector(".history li")

        def mended() -> None:
            until("document.querySelector('#status').textContent.match(/anew/)")

        timed("first picture, signals and steps", opened)
        timed("the same, once more", opened)
        page.keyboard.press("ArrowDown")
        page.wait_for_selector(".evidence")
        timed("correction to redraw of its stretch", said)
        timed("and to redraw of all names", mended)
        page.keyboard.press("n")
        timed("a question", lambda: page.wait_for_selector(".asked"))
        for name, seconds in (("10 s", 10), ("an hour", 3600)):
            page.evaluate(f"window.studio.view.show(0, {seconds})")
            page.wait_for_timeout(1500)
            speed = page.evaluate(FRAMES)
            worst = f"99 %: {speed['worst']:.0f} ms"
            rows.append((f"frames a second, {name} in view", f"{speed['mean']:.0f}", worst))
        browser.close()
    print(f"{len(session.recordings())} recordings, {session.windows.n} windows")
    print("\n".join(table(rows)))


def _lay_out(session: Session) -> None:
    """All windows become one recording, end to end."""
    windows = session.windows
    session.windows = replace(
        windows,
        recording=np.zeros(windows.n, dtype=np.int32),
        recordings=["one"],
        start_s=np.arange(windows.n) * (windows.T / windows.rate_hz),
    )


if __name__ == "__main__":
    main()
