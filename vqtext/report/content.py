"""What a report shows, as plain data. Where the numbers come from does not matter here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from vqtext.errors import ShapeError
from vqtext.reason import Reason, RecordingReasons, Redrawn, WhyNot
from vqtext.schema import Channel


@dataclass(frozen=True)
class Score:
    """One measure over seeds, 0 to 1. ``values`` holds one number a seed; a single seed has no spread."""

    mean: float
    std: float = 0.0
    values: tuple[float, ...] = ()


@dataclass(frozen=True)
class Scores:
    """What one classifier reached."""

    accuracy: Score
    macro_f1: Score


@dataclass(frozen=True, eq=False)
class Confusion:
    """Counts of test windows ``(n, n)``: a row for each true label, a column for each label read."""

    classifier: str
    counts: np.ndarray


@dataclass(frozen=True, eq=False)
class Sample:
    """One window with its reason.

    Attributes:
        index: its row in windows.h5.
        signal: ``(C, T)`` in physical units, NaN where there is no sample.
        rate_hz: samples a second.
        channels: what the C rows are.
        reason: the class that was read and its ordered steps.
        true_label: None where the truth is unknown.
        start_s: where it begins in its recording, for one that is no window of windows.h5.
        why_not: why it is not of another class; redrawn: what would make it one.
        truth: what truly happens, where that is known.

    Raises:
        ShapeError: the signal has not one row for each channel.
    """

    index: int
    signal: np.ndarray
    rate_hz: float
    channels: tuple[Channel, ...]
    reason: Reason
    true_label: str | None = None
    start_s: float | None = None
    why_not: WhyNot | None = None
    redrawn: Redrawn | None = None
    truth: str | None = None

    def __post_init__(self) -> None:
        if self.signal.ndim != 2 or len(self.signal) != len(self.channels):
            raise ShapeError(
                f"window {self.index}: a signal of shape {self.signal.shape} does not fit "
                f"{len(self.channels)} channels; the report takes (channels, steps)"
            )


@dataclass(frozen=True, eq=False)
class Code:
    """One code of the codebook.

    Attributes:
        index: its row in the codebook.
        name: the phrase it carries.
        shape: ``(C, L)``, the decoded shape; ``(0, 0)`` where there is none to draw.
        usage: share of all tokens that are this code; 0 = never used.
        channels: what the C rows are; empty for a code that stands for any one channel (C = 1).
        sequence: the names of its sub-steps in order, where a code owns more than one name.
        runner_up: the next best name.
        purity: share of the code's uses in which the decoding says what it mostly says there; None = not
            measured.
        labels: where it occurs: label → share of its uses.
        mean_duration_s: mean length of its tokens.
        inferred: the name is about a body part that no sensor sits on.
        confidence: how sure the code is of its sequence, 0 to 1; None = not measured.
        agreement: share of its uses in which the decoding says what the code says; None = not measured.
        decoded: what the decoding mostly says there, for each sub-step.

    Raises:
        ShapeError: the shape has not one row for each channel.
    """

    index: int
    name: str
    shape: np.ndarray
    usage: float
    channels: tuple[Channel, ...] = ()
    sequence: tuple[str, ...] = ()
    runner_up: str | None = None
    purity: float | None = None
    labels: Mapping[str, float] = field(default_factory=dict)
    mean_duration_s: float | None = None
    inferred: bool = False
    confidence: float | None = None
    agreement: float | None = None
    decoded: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.shape.ndim != 2 or len(self.shape) not in {0, len(self.channels) or 1}:
            raise ShapeError(
                f"code {self.index}: a shape of {self.shape.shape} does not fit "
                f"{len(self.channels)} channels; the report takes (channels, points)"
            )


@dataclass(frozen=True, eq=False)
class ThresholdCurve:
    """How many anchors are left at each merging threshold, both ``(M,)``, and the one that was chosen."""

    thresholds: np.ndarray
    counts: np.ndarray
    chosen: float
    kept: int


@dataclass(frozen=True)
class Table:
    """Rows of text under a heading; ``rows`` are as long as ``header``."""

    caption: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, eq=False)
class Report:
    """The whole page. Every collection may be empty and every optional part missing.

    Attributes:
        title: heading of the page.
        dataset, run, encoder: names.
        created: ISO time.
        labels: the data's labels.
        shown_labels, shown_names: what people are shown instead of a label or of a name, where there is such
            a text; for a step of a reason its own ``display`` goes first.
        scores: classifier → what it reached on the test windows.
        split: how training and test data were kept apart, one sentence.
        selection: how hyperparameters and epoch were chosen, one sentence.
        seeds: of the models behind ``scores``.
        samples, codebook: what is drawn; codes with no usage are counted, not drawn.
        recordings: whole recordings that a model was used on. Their page has no scores and no codebook.
        settings: a tree of settings.
        versions: package → version.
        notes: what a reader should know, one sentence each.
        tables: further tables, before the windows.
        trained: False without a model: windows are drawn with their own class, and what words,
            sensors and order say of their steps.

    Raises:
        ShapeError: the confusion counts are not labels × labels.
    """

    title: str
    dataset: str
    run: str
    created: str
    encoder: str
    labels: tuple[str, ...]
    shown_labels: Mapping[str, str] = field(default_factory=dict)
    shown_names: Mapping[str, str] = field(default_factory=dict)
    scores: Mapping[str, Scores] = field(default_factory=dict)
    split: str = ""
    selection: str = ""
    seeds: tuple[int, ...] = ()
    confusion: Confusion | None = None
    samples: tuple[Sample, ...] = ()
    recordings: tuple[RecordingReasons, ...] = ()
    codebook: tuple[Code, ...] = ()
    threshold: ThresholdCurve | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()
    trained: bool = True

    def __post_init__(self) -> None:
        n = len(self.labels)
        if self.confusion is not None and self.confusion.counts.shape != (n, n):
            raise ShapeError(
                f"confusion counts of shape {self.confusion.counts.shape} do not fit {n} labels; "
                f"the report takes ({n}, {n})"
            )
