"""What the page is shown of a cache: a session of `vqtext.pipeline.correcting`, and its signals."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from vqtext.pipeline.correcting.corrections import Corrections
from vqtext.pipeline.correcting.session import Session
from vqtext.pipeline.correcting.spans import StepSpan, names, spans
from vqtext.schema import Channel
from vqtext.studio.signals import Drawn, Signals


class SessionView:
    """A session as `vqtext.studio.api.StudioData` wants it."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._signals = Signals(session.windows)
        self._reading = threading.Lock()

    def recordings(self) -> Sequence[Mapping[str, Any]]:
        return self._session.recordings()

    def channels(self) -> Sequence[Channel]:
        return self._session.windows.channels

    def steps(self) -> Mapping[str, Mapping[str, str | None]]:
        words = self._session.words
        return {
            label: {step.phrase: step.display for _, step in own}
            for label, own in zip(self._session.windows.labels, words.uses, strict=True)
        }

    def check(self, corrections: Corrections) -> list[str]:
        return self._session.check(corrections)

    def names(self, corrections: Corrections) -> Sequence[StepSpan]:
        """All steps, by themselves."""
        return names(self._session.windows, self._session.found(corrections))

    def detail(self, corrections: Corrections, recording: str) -> Sequence[StepSpan]:
        """The steps of one recording, with all that is known of them."""
        import torch

        windows, found = self._session.windows, self._session.found(corrections)
        here = torch.from_numpy(windows.recording == windows.recordings.index(recording))
        posterior = replace(found.posterior, known=found.posterior.known & here)
        return spans(windows, replace(found, posterior=posterior))

    def ask(self, corrections: Corrections, count: int) -> Sequence[Any]:
        return self._session.ask(corrections, count)

    def signal(self, recording: str, start_s: float, end_s: float, points: int) -> Drawn:
        with self._reading:
            pyramid = self._signals.of(recording)
        return pyramid.drawn(start_s, end_s, points)
