"""A studio over a cache in the test's folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fake_session import FakeSession
from studio_server import Studio


@pytest.fixture
def open_studio(tmp_path: Path) -> Iterator[Callable[..., Studio]]:
    opened = []

    def start(session: FakeSession | None = None) -> Studio:
        opened.append(Studio(tmp_path, session or FakeSession()))
        return opened[-1]

    yield start
    for studio in opened:
        studio.server.shutdown()
        studio.server.server_close()


@pytest.fixture
def studio(open_studio: Callable[..., Studio]) -> Studio:
    return open_studio()
