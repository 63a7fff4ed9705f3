"""``vqtext studio``: opens a cache, serves the page, and ends with Ctrl-C."""

from __future__ import annotations

import threading
import webbrowser
from collections.abc import Callable

from vqtext.cache.lock import lock
from vqtext.console.progress import Progress
from vqtext.settings.schema import Settings


def serve(
    settings: Settings, progress: Progress, port: int, announce: Callable[[str], None], opens: bool
) -> None:
    """Serve until interrupted.

    Args:
        port: 0 takes a free one.
        announce: is given the address, once the page can be opened.
        opens: whether the browser is opened.

    Raises:
        HeldError: another studio is open on the cache.
        UsageError: the port cannot be taken.
        VQTextError: windows, words or corrections are missing, or cannot be read.
    """
    from vqtext.pipeline.correcting.session import Session
    from vqtext.pipeline.dedup import Dedup
    from vqtext.pipeline.embed import Embed
    from vqtext.pipeline.stage import run
    from vqtext.studio.api import Api
    from vqtext.studio.editor import Editor
    from vqtext.studio.server import Server
    from vqtext.studio.session_view import SessionView

    def open_session() -> SessionView:
        for stage in (Embed, Dedup):  # of words that changed
            run(stage(settings, progress))
        return SessionView(Session(settings))

    with lock(settings.cache / "studio", doing="is open in"):
        editor = Editor(settings.cache, lambda _: [])
        api = Api(editor, open_session)
        threading.Thread(target=api.prepare, daemon=True).start()  # while the browser starts
        with Server(api.routes(), port) as server:
            announce(server.url)
            if opens:
                threading.Thread(target=webbrowser.open, args=(server.url,), daemon=True).start()
            try:
                server.serve_forever()
            except KeyboardInterrupt:
                progress.say(f"closed; what you corrected is in {settings.cache / 'corrections.json'}")
            finally:
                api.close()
