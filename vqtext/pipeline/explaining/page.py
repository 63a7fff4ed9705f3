"""The page of recordings that a model was used on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from vqtext.pipeline.explain import one_of_each
from vqtext.reason import Reason, RecordingReasons
from vqtext.report.content import Report, Sample

if TYPE_CHECKING:
    from vqtext.model.load import VQText


@dataclass(frozen=True)
class Explained:
    """The reasons of one recording, and the signal that each of them speaks of, ``(C, t)`` at the model's
    rate."""

    reasons: RecordingReasons
    signals: tuple[np.ndarray, ...]


def page(
    model: VQText,
    run: Mapping[str, Any],
    name: str,
    recordings: Sequence[Explained],
    samples: int,
    created: str,
    notes: Sequence[str],
) -> Report:
    """What the report of a file shows.

    Args:
        run: what the model's run wrote down.
        name: of the file.
        samples: how many passages are drawn: the first of each class, then the second of each.
        created: ISO time.
        notes: what a reader should know.
    """
    begins = [begin for one in recordings for begin in _begins(one)]
    labels = [model.config.labels.index(reason.label) for reason, _ in begins]
    chosen = np.sort(one_of_each(np.array(labels, int), samples, np.zeros(len(labels), int)))
    if len(chosen) < len(begins):
        notes = [
            *notes,
            f"Of {len(begins)} stretches of one class the beginnings of {len(chosen)} are drawn.",
        ]
    return Report(
        title=f"What {name} shows",
        dataset=name,
        run=run["run"],
        created=created,
        encoder=run["encoder"],
        labels=model.config.labels,
        shown_labels=model.vocabulary.label_displays(),
        shown_names=model.vocabulary.displays(),
        samples=tuple(_sample(model, int(i), *begins[i]) for i in chosen),
        recordings=tuple(one.reasons for one in recordings),
        settings=run["settings"],
        versions=run["versions"],
        notes=tuple(notes),
    )


def _begins(one: Explained) -> list[tuple[Reason, np.ndarray]]:
    """The reasons that stretches of one class begin with, and their signals."""
    begins = {stretch.start_s for stretch in one.reasons.stretches}
    return [
        (reason, signal)
        for reason, signal in zip(one.reasons.reasons, one.signals, strict=True)
        if reason.steps[0].start_s in begins
    ]


def _sample(model: VQText, number: int, reason: Reason, signal: np.ndarray) -> Sample:
    start_s = reason.steps[0].start_s
    config = model.config
    return Sample(number, signal, config.rate_hz, config.channels, _from(reason, start_s), start_s=start_s)


def _from(reason: Reason, start_s: float) -> Reason:
    """Times from the start of the passage."""
    steps = tuple(
        replace(step, start_s=step.start_s - start_s, end_s=step.end_s - start_s) for step in reason.steps
    )
    other = reason.runner_up
    return replace(reason, steps=steps, runner_up=None if other is None else _from(other, start_s))
