"""A cache that is corrected: its data are read once, and its names are found anew after each correction."""

from __future__ import annotations

from typing import Any

import numpy as np

from vqtext.data.splits.splits import Split
from vqtext.pipeline.artifacts import read_windows
from vqtext.pipeline.correcting.asking import Question, questions
from vqtext.pipeline.correcting.corrections import Corrections
from vqtext.pipeline.correcting.found_steps import FoundSteps
from vqtext.pipeline.correcting.moments import check, corrected_frames, never_places
from vqtext.pipeline.correcting.spans import StepSpan, spans
from vqtext.pipeline.training.e_step_alone import check_signatures_are_read, posterior_of
from vqtext.pipeline.training.run_words import resolved_words, without_steps
from vqtext.pipeline.training.sensor_evidence import SensorEvidence
from vqtext.pipeline.vocabulary.anchor_words import read_words
from vqtext.settings.schema import Settings


class Session:
    """All windows of a cache, in memory, with what is written of them.

    Nobody is kept apart: who is corrected is no test of names later, and `vqtext evaluate` sees to it.

    Raises:
        ArtifactError: windows, texts or anchors are missing or stale.
        ConfigError: the grounding reads no signatures.
    """

    def __init__(self, settings: Settings) -> None:
        from vqtext.pipeline.training.assemble import training_data, without_text

        check_signatures_are_read(settings)
        self._settings = settings
        self.windows = read_windows(settings.cache / "windows.h5")
        no_rows = np.empty(0, dtype=np.int64)
        everyone = Split(np.arange(self.windows.n), no_rows, no_rows, "own")
        # whichever window somebody looks at must have its names
        train = settings.train.model_copy(update={"e_step_windows": self.windows.n})
        plain = without_text(settings).model_copy(update={"train": train})
        _, data = training_data(self.windows, everyone, plain, corrections=Corrections())
        read = read_words(settings.cache / "anchors.h5", self.windows.labels)
        self.words = resolved_words(read, self.windows, everyone.train, settings.train, data.round_s).words
        self._absent = data.absent
        self._sensors = SensorEvidence(self.windows, everyone.train, data.evidence)
        self._last: tuple[Corrections, FoundSteps] | None = None

    def check(self, corrections: Corrections) -> list[str]:
        """What cannot be, as `vqtext.pipeline.correcting.moments.check` lists it."""
        return check(corrections, self.windows, self.words)

    def found(self, corrections: Corrections) -> FoundSteps:
        """The E-step with these corrections as evidence; those that cannot be are passed over.

        Raises:
            WordsError: no signature speaks of a sensor that is there, and nothing was corrected.
        """
        if self._last is not None and self._last[0] == corrections:
            return self._last[1]
        windows, words = self.windows, self.words
        frames = self._sensors.evidence.motion.shape[1]
        corrected = corrected_frames(corrections, windows, self._sensors.rows, words, frames)
        longest = max(map(len, words.uses))
        shown = {divmod(int(use), longest) for use in np.unique(-1 if corrected is None else corrected)}
        never = never_places(corrections, windows.labels, words)
        left = [
            [*never[i], *(u for u in self._absent_of(i) if (i, u) not in shown)] for i in range(len(never))
        ]
        steps = self._sensors.with_words(without_steps(words, left), corrections)
        posterior = posterior_of(steps.evidence, steps.grammar, self._settings)
        self._last = corrections, FoundSteps(**vars(steps), posterior=posterior)
        return self._last[1]

    def names(self, corrections: Corrections) -> list[StepSpan]:
        """What each moment of the recordings shows, in their order."""
        return spans(self.windows, self.found(corrections))

    def ask(self, corrections: Corrections, count: int, subject: str | None = None) -> list[Question]:
        """The moments whose answers settle most, the best first.

        Args:
            subject: ask of this person alone.
        """
        return questions(self.windows, self.found(corrections), count, subject)

    def recordings(self) -> list[dict[str, Any]]:
        """Of each recording that has windows: ``name``, ``subject`` (None: unknown), ``seconds`` up to the
        end of its last window, and the ``labels`` of its windows."""
        windows = self.windows
        end = windows.start_s + windows.length / windows.rate_hz
        found = []
        for code in np.unique(windows.recording):
            rows = windows.recording == code
            who = int(windows.subject[rows][0])
            found.append(
                {
                    "name": windows.recordings[code],
                    "subject": windows.subjects[who].id if who >= 0 else None,
                    "seconds": float(end[rows].max()),
                    "labels": [windows.labels[i] for i in dict.fromkeys(windows.label[rows].tolist())],
                }
            )
        return found

    def _absent_of(self, label: int) -> list[int]:
        return [*self._absent[label]] if label < len(self._absent) else []
