"""Each figure of a run, out of its cached files alone.

A drawing gives its figures by file name, or raises an `ArtifactError` that says what makes its input.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from vqtext import plot
from vqtext.console.progress import Progress
from vqtext.errors import ArtifactError
from vqtext.pipeline.codes import describe_codes
from vqtext.pipeline.dedup import Dedup
from vqtext.pipeline.evaluate import Evaluate
from vqtext.pipeline.explain import Explain, threshold_curve
from vqtext.pipeline.train import Train
from vqtext.pipeline.training.sampling import few_of_each
from vqtext.pipeline.training.train_model import WHOLE
from vqtext.pipeline.training.trained_run import TrainedRun, open_trained
from vqtext.plot.trends import ACCURACIES, LOSSES
from vqtext.reason import UNKNOWN_NAME, Reason, Step
from vqtext.report.palette import numbered
from vqtext.settings.schema import Settings

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from vqtext.model.load import VQText
    from vqtext.report.content import Code

MAX_REASONS = 4  # windows whose reason is drawn: the first ones that `vqtext explain` chose
WINDOWS_PER_LABEL = 200  # windows of a label that durations are measured on
NO_WORD = "none"  # the column of samples whose name stands for no true word


class Drawings:
    """The figures of one run; of a run of folds, those of its first fold's best model.

    Args:
        settings: cache and run.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.quiet = Progress(quiet=True)

    @property
    def all(self) -> dict[str, Callable[[], Iterator[tuple[str, Axes]]]]:
        """Drawing → its figures, each with the name of its files."""
        return {
            "reasons": self._reasons,
            "codes": self._codes,
            "durations": self._durations,
            "confusion of classes": self._classes,
            "confusion of steps": self._steps,
            "threshold curve": self._threshold,
            "training curves": self._training,
            "code maps": self._maps,
        }

    @cached_property
    def _trained(self) -> TrainedRun:
        return open_trained(self.settings)

    @property
    def _folder(self) -> Path:
        """Of the model that is drawn."""
        return self._trained.folder / self._trained.folds[0].best

    @cached_property
    def _model(self) -> VQText:
        return self._trained.model(self._trained.folds[0])

    @cached_property
    def _codebook(self) -> list[Code]:
        least = self.settings.explain.code_confidence
        return describe_codes(self._model, self._trained.windows, self._trained.folds[0].split.learn, least)

    @cached_property
    def _samples(self) -> list[dict[str, Any]]:
        explain = Explain(self.settings, self.quiet)
        explain.check()
        samples: list[dict[str, Any]] = json.loads(explain.target.read_text(encoding="utf-8"))["samples"]
        return samples[:MAX_REASONS]

    @cached_property
    def _read(self) -> list[str]:
        """Names of the reasons that are drawn, in order."""
        try:
            return [step["name"] for sample in self._samples for step in sample["steps"]]
        except ArtifactError:
            return []

    @cached_property
    def _looks(self) -> dict[str, int]:
        """A name has one look in all figures; those of the reasons have the plainest."""
        return numbered(n for n in (*self._read, *self._model.vocabulary.anchors) if n != UNKNOWN_NAME)

    def _reasons(self) -> Iterator[tuple[str, Axes]]:
        looks = numbered(name for name in self._read if name != UNKNOWN_NAME)
        for sample in self._samples:
            row = sample["window"]
            signal = self._trained.windows.signal[row][:, : self._trained.windows.length[row]]
            reason = _reason_of(sample)
            ax = plot.reason(
                reason, signal, self._trained.windows.channels, self._trained.windows.rate_hz, looks=looks
            )
            yield f"reason-window-{row}", ax

    def _codes(self) -> Iterator[tuple[str, Axes]]:
        displays = self._model.vocabulary.displays()
        yield "codes", plot.codes(self._codebook, displays=displays, looks=self._looks)

    def _durations(self) -> Iterator[tuple[str, Axes]]:
        split = self._trained.folds[0].split
        those = split.test if len(split.test) else split.learn
        index = those[few_of_each(self._trained.windows.label[those], WINDOWS_PER_LABEL)]
        decoded = self._model.decode(self._trained.windows.signal, index)
        config = self._model.config
        found = whole_steps(np.where(decoded.keep, decoded.anchor, -2), config.window_s / config.frames)
        seconds = {name: found.get(k, []) for k, name in enumerate(self._model.vocabulary.anchors)}
        yield "durations", plot.durations(seconds, looks=self._looks)

    def _scored(self) -> dict[str, Any]:
        evaluate = Evaluate(self.settings, self.quiet)
        evaluate.check()
        result: dict[str, Any] = json.loads(evaluate.target.read_text(encoding="utf-8"))
        return result

    def _classes(self) -> Iterator[tuple[str, Axes]]:
        scored = self._scored()
        counts = np.array(scored["confusion"]["decoding"])
        yield "confusion-of-classes", plot.confusion(counts, scored["labels"])

    def _steps(self) -> Iterator[tuple[str, Axes]]:
        details = self._scored()["grounding_details"]
        if details is None:
            raise ArtifactError(
                "names were not held against any truth: where the data have one, say what it stands for with "
                f"`vqtext {Evaluate(self.settings, self.quiet).call} --truth FILE`"
            )
        found = details.get("confusion")
        if found is None:  # of a time when it was not counted
            again = Evaluate(self.settings, self.quiet).call
            raise ArtifactError(f"no confusion of steps was counted: run `vqtext {again} --force`")
        words, counts = found["words"], np.array(found["samples"], dtype=np.int64)
        columns = [*words, NO_WORD] if counts[:, -1].any() else words
        counts = counts[:, : len(columns)]
        yield "confusion-of-steps", plot.confusion(counts, words, columns, of="step")

    def _threshold(self) -> Iterator[tuple[str, Axes]]:
        dedup = Dedup(self.settings, self.quiet)
        dedup.check()
        curve = threshold_curve(dedup.target)
        if curve is None:
            raise ArtifactError(f"{dedup.target} counted no anchors: run `vqtext dedup --force`")
        yield "threshold-curve", plot.threshold_curve(curve)

    def _training(self) -> Iterator[tuple[str, Axes]]:
        first, joined = self._history("metrics.csv"), None
        if (self._folder / WHOLE / "metrics.csv").exists():
            joined = max(first["step"])
            first = _joined(first, self._history(f"{WHOLE}/metrics.csv"), joined)
        yield "training-losses", plot.training_curves(first, names=LOSSES, joined=joined)
        yield "training-accuracy", plot.training_curves(first, names=ACCURACIES, joined=joined)

    def _history(self, name: str) -> dict[str, list[float]]:
        """Columns of a metrics.csv of the model, NaN where it holds no number."""
        path = self._folder / name
        try:
            with path.open(encoding="utf-8", newline="") as file:
                rows = [*csv.DictReader(file)]
            found = {key: [float(row[key] or "nan") for row in rows] for key in rows[0]}
            found["step"]
        except (OSError, LookupError, ValueError, TypeError) as error:
            again = Train(self.settings, self.quiet).how_to_remake()
            raise ArtifactError(f"{path} is missing or cannot be read: {again}") from error
        return found

    def _maps(self) -> Iterator[tuple[str, Axes]]:
        from safetensors import SafetensorError
        from safetensors.numpy import load_file

        from vqtext.model.tensor_files import START

        network, path = self._model.network, self._folder / START
        try:
            before = load_file(path)
        except (OSError, SafetensorError) as error:
            again = Train(self.settings, self.quiet).how_to_remake()
            raise ArtifactError(
                f"{path}, the codebook before its training, is missing or cannot be read: {again}"
            ) from error
        names = [code.name for code in self._codebook]
        vectors, action = (part.detach().numpy() for part in (network.trunk.vectors, network.trunk.action))
        yield "code-map", plot.code_maps(before["vectors"], vectors, names, looks=self._looks)[0]
        phrases = self._model.vocabulary.anchors
        nearest = [phrases[k] for k in network.code_names().argmax(-1).flatten().tolist()]
        anchors = dict(zip(phrases, _directions((network.anchors @ network.basis.T).numpy()), strict=True))
        pair = _directions(before["action"]), _directions(action)
        yield "action-map", plot.code_maps(*pair, nearest, anchors=anchors, looks=self._looks)[0]


def whole_steps(anchor: np.ndarray, frame_s: float) -> dict[int, list[float]]:
    """Anchor → seconds of each time it was decoded from beginning to end: what a window cuts off is left out.

    Args:
        anchor: decoded at each frame, ``(n, F)``, −1 none, −2 outside the window.
    """
    found: dict[int, list[float]] = {}
    for row in anchor:
        runs = [(int(k), len([*run])) for k, run in groupby(row[row >= -1])]
        for k, frames in runs[1:-1]:
            if k >= 0:
                found.setdefault(k, []).append(frames * frame_s)
    return found


def _reason_of(sample: Mapping[str, Any]) -> Reason:
    """A reason as explain.json holds it; what other classes say is left out."""
    names = {"label", "confidence", "display", "familiar"}
    return Reason(steps=tuple(map(Step.of, sample["steps"])), **{name: sample[name] for name in names})


def _joined(
    first: Mapping[str, list[float]], then: Mapping[str, list[float]], step: float
) -> dict[str, list[float]]:
    """Two histories one after the other; the second counts its steps anew."""
    nothing = [float("nan")] * len(then["step"])
    return {
        name: values + ([s + step for s in then["step"]] if name == "step" else then.get(name, nothing))
        for name, values in first.items()
    }


def _directions(vectors: np.ndarray) -> np.ndarray:
    """Action vectors ``(…, r)`` as unit vectors ``(n, r)``: a name is known by a direction alone."""
    rows = vectors.reshape(-1, vectors.shape[-1])
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
