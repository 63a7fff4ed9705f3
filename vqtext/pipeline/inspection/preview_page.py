"""The page of ``vqtext preview``: training windows with the steps that words, sensors and order find."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from vqtext.cache.hdf5 import open_artifact
from vqtext.pipeline.explain import one_of_each
from vqtext.pipeline.inspection.check_lines import STEP_HEADER, step_rows
from vqtext.pipeline.inspection.decoded_steps import DecodedSteps
from vqtext.reason import Reason
from vqtext.report.content import Report, Sample, Table
from vqtext.settings.schema import Settings

if TYPE_CHECKING:
    from vqtext.model.config import ModelConfig
    from vqtext.model.vocabulary import Vocabulary

MAX_DOUBTFUL = 20
"""Written cells of a kind that the page shows; ``--json`` has all."""


def page(
    steps: DecodedSteps,
    sure: np.ndarray,
    config: ModelConfig,
    vocabulary: Vocabulary,
    settings: Settings,
    answer: Mapping[str, Any],
) -> Report:
    """What the page shows: the first window of each label, then the second, as in ``vqtext explain``.

    Args:
        steps: the likeliest step of each moment of the training windows.
        sure: its posterior, ``(n, F)``.
        vocabulary: transcripts in the order of the labels.
        answer: of ``vqtext preview``.
    """
    windows, index = steps.windows, steps.index
    labels = windows.label[index]
    decoded = np.flatnonzero(steps.decoded.keep.any(1))
    chosen = decoded[one_of_each(labels[decoded], settings.explain.samples, np.zeros(len(decoded), int))]
    with open_artifact(settings.cache / "anchors.h5", "anchors") as anchors:
        encoder = str(anchors.attrs["encoder"])
    return Report(
        title=f"What the words find in {windows.dataset.replace('_', ' ')}",
        dataset=windows.dataset,
        run="",
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        encoder=encoder,
        labels=tuple(windows.labels),
        shown_labels=vocabulary.label_displays(),
        shown_names=vocabulary.displays(),
        samples=tuple(
            Sample(
                int(index[i]),
                windows.signal[int(index[i])][:, : windows.length[index[i]]],
                windows.rate_hz,
                tuple(windows.channels),
                _reason(steps, sure, int(i), config, vocabulary),
                windows.labels[labels[i]],
            )
            for i in chosen
        ),
        settings=settings.model_dump(mode="json"),
        notes=tuple(_notes(answer)),
        tables=tuple(_tables(answer)),
        trained=False,
    )


def _reason(
    found: DecodedSteps, sure: np.ndarray, i: int, config: ModelConfig, vocabulary: Vocabulary
) -> Reason:
    """The steps of one window; beside a border some are those of another label."""
    from vqtext.model.decoding.decoder import UNKNOWN
    from vqtext.model.decoding.reasons import steps_of

    label, longest = int(found.decoded.label[i]), vocabulary.longest
    any_use = {
        use.anchor: number * longest + place
        for number, transcript in enumerate(vocabulary.transcripts)
        for place, use in enumerate(transcript.uses)
    }
    path = [
        label * longest + use if use >= 0 else any_use.get(anchor, UNKNOWN)
        for use, anchor in zip(found.decoded.use[i].tolist(), found.decoded.anchor[i].tolist(), strict=True)
    ]
    transcript = vocabulary.transcripts[label]
    steps = steps_of(path, sure[i].tolist(), found.decoded.keep[i].tolist(), 0, vocabulary, config)
    return Reason(transcript.label, 1.0, steps, transcript.display, cycle=vocabulary.cycle(transcript))


def _notes(answer: Mapping[str, Any]) -> list[str]:
    notes = []
    if answer["split"] == "random":
        notes.append("Windows were chosen at random: people whose windows you look at now are no test later.")
    notes += [
        f"{one['label']}: “{one['phrase']}” was not found; training leaves it out."
        for one in answer["absent"]
    ]
    notes += [
        f"{one['label']}: “{one['name']}” is one step, since nothing tells its parts apart."
        for one in answer["joined"]
    ]
    return notes


def _tables(answer: Mapping[str, Any]) -> list[Table]:
    tables = [Table("Each step", STEP_HEADER, tuple(step_rows(answer["steps"])))]
    header = ("label", "step", "sensor", "written", "found")
    for what in ("levels", "directions", "durations"):
        wrong = [row for row in answer[what] if row["found"] not in (None, row["written"])]
        rows = [
            (row["label"], row["phrase"], row.get("location", "–"), row["written"], row["found"])
            for row in wrong[:MAX_DOUBTFUL]
        ]
        if rows:
            more = f"; {len(wrong) - MAX_DOUBTFUL} more in --json" if len(wrong) > MAX_DOUBTFUL else ""
            tables.append(
                Table(f"{what.capitalize()} that are found otherwise than written{more}", header, tuple(rows))
            )
    return tables
