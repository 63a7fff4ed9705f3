"""A user would see: other steps on the studio's page than a session finds, or another signal."""

from __future__ import annotations

import numpy as np
from test_corrections import moment
from test_session import felt, prepared, settings  # noqa: F401  fixtures

from vqtext.pipeline.correcting.corrections import Corrections
from vqtext.pipeline.correcting.session import Session
from vqtext.settings.schema import Settings
from vqtext.studio.session_view import SessionView


def test_the_page_is_shown_what_the_session_finds(settings: Settings) -> None:  # noqa: F811
    session = Session(settings)
    opened = SessionView(session)
    for said in (Corrections(), Corrections().with_added(moment("a", "foot down", 1.0))):
        found = session.names(said)
        fast = opened.names(said)
        assert [(s.recording, s.start_s, s.end_s, s.label, s.phrase) for s in fast] == [
            (s.recording, s.start_s, s.end_s, s.label, s.phrase) for s in found
        ]
        assert np.allclose([s.confidence for s in fast], [s.confidence for s in found], atol=1e-4)
        assert opened.detail(said, "r1") == [s for s in found if s.recording == "r1"]
    steps = opened.steps()
    assert {(s.label, s.phrase) for s in found} <= {(label, x) for label, own in steps.items() for x in own}
    drawn = opened.signal("r1", 0, 24, 100)
    assert drawn.values.shape == (len(opened.channels()), 100, 2) and drawn.end_s == 24
    rows = session.windows.recording == session.windows.recordings.index("r1")
    assert np.nanmax(drawn.values) == np.nanmax(session.windows.signal[rows])
