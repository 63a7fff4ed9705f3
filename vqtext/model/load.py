"""A trained model as a folder, and the three lines that use it.

The folder holds ``model.safetensors``, ``config.json`` and ``anchors.json``; nothing in it is pickled and
nothing outside it is needed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from vqtext.errors import ArtifactError
from vqtext.model.config import ModelConfig
from vqtext.model.decoding.decoder import UNKNOWN, Decoded, Decoder
from vqtext.model.decoding.highlight import highlight
from vqtext.model.decoding.inputs import Signals, arrange, blocks, frames_seen
from vqtext.model.decoding.reasons import reason_of
from vqtext.model.decoding.redraw import drawings, redraw
from vqtext.model.decoding.stream import explain_stream
from vqtext.model.messages import one_line
from vqtext.model.network.frame_names import frame_states
from vqtext.model.network.network import Network
from vqtext.model.sharing import ANCHORS, CONFIG, WEIGHTS, Shared
from vqtext.model.tensor_files import save_safetensors
from vqtext.model.vocabulary import Vocabulary
from vqtext.model.vqshape import VQShape
from vqtext.model.vqshape.config import ARCHITECTURE
from vqtext.model.vqshape.weights import misfits
from vqtext.reason import Reason, RecordingReasons, Redrawn
from vqtext.schema import Channel

Arrays = TypeVar("Arrays", "Tokens", "Decodings")


@dataclass(frozen=True)
class Tokens:
    """Tokens of n windows. M tokens a window, S sub-steps a token, K anchors.

    Attributes:
        code: index of each token's code, ``(n, M)``; −1 for a token beyond its window's end.
        t, l: start and length as shares of the window, ``(n, M)``.
        mu, sigma: offset and scale a channel, in standard units, ``(n, M, c)``; where channels are
            independent c is 1, and the unit is the series' own deviation, as in VQShape.
        features: ``(code vector, mu, sigma, t, l)``, ``(n, M, f)``, and where channels are independent the
            mean and the log deviation of the token's series.
        pooled: input of the class head, the tokens of a window read together, ``(n, g)``.
        classes: logits of the class head, ``(n, labels)``.
        names: anchor probabilities of frames, ``(n, F, K)``, by the tokens' codes and attributes.
    """

    code: np.ndarray
    t: np.ndarray
    l: np.ndarray
    mu: np.ndarray
    sigma: np.ndarray
    features: np.ndarray
    pooled: np.ndarray
    classes: np.ndarray
    names: np.ndarray


@dataclass(frozen=True)
class Decodings:
    """What is decoded of n windows.

    Attributes:
        log_posterior: over ``config.labels``, ``(n, labels)``; steps: the same by the steps alone, before
            the class head decides between labels of the same steps.
        label: the likeliest of them, ``(n,)``.
        use: step of its transcript at each frame, ``(n, F)``, −1 where none fits.
        anchor: anchor of that step, ``(n, F)``, −1 where none fits.
        confidence: of the step, ``(n, F)``; see `vqtext.reason.Step`.
        familiar: see `vqtext.reason.Reason`, ``(n,)``.
        keep: frames that were seen, see `vqtext.model.decoding.inputs.frames_seen`, ``(n, F)``.
    """

    log_posterior: np.ndarray
    steps: np.ndarray
    label: np.ndarray
    use: np.ndarray
    anchor: np.ndarray
    confidence: np.ndarray
    familiar: np.ndarray
    keep: np.ndarray


class VQText(Shared):
    """A trained model: signal in, class and reason out. It never sees text, and goes online only in
    `from_pretrained` with the name of a repository and in `push_to_hub`.

    Attributes:
        folder: where it was loaded from; None where it was not.
    """

    def __init__(self, network: Network, decoder: Decoder, folder: Path | None = None) -> None:
        self.network = network.signal_only().eval()
        self.decoder = decoder.eval()
        self.folder = folder

    @property
    def config(self) -> ModelConfig:
        """Sizes, channels, rate and labels."""
        return self.network.config

    @property
    def vocabulary(self) -> Vocabulary:
        """Anchors and transcripts."""
        return self.decoder.vocabulary

    @property
    def classes(self) -> np.ndarray:
        """Names of the classes, ``(classes,)``, in the order of `predict_proba`."""
        return np.array(self.config.labels)

    def explain(self, signals: Signals, index: np.ndarray | None = None) -> list[Reason]:
        """Class and ordered reason of each window.

        Args:
            signals: ``(n, C, T)`` or one ``(C, T)``, in the physical units of ``config.channels``; NaN, or
                masked, where nothing was measured. A window shorter than the model's is taken as it is. Rows
                of a file, as ``read_windows`` gives them, are read a few at a time. Nested lists and tensors
                do as well, and so does a pandas DataFrame, or a list or dict of them, one a window: its
                columns are named as the channels, in any order.
            index: which of them, ``(m,)``; None takes all.

        Returns:
            One `Reason` a window.

        Raises:
            ShapeError: another number of channels, a column that is missing or belongs to no channel, windows
                longer than the model's, or nothing that holds windows.
            DataError: an infinite value, one that is no number, or a window of nothing but NaN.
        """
        reasons = []
        for rows in blocks(signals, index, self.config):
            decoded, states, keep = self._decode(rows, ranks=2)
            reasons += [reason_of(decoded, i, states[i], keep[i], self.decoder) for i in range(len(rows))]
        return reasons

    def highlight(self, signal: Signals, reason: Reason) -> Reason:
        """The same reason, each of whose steps says which places carried it, and when.

        The window is read once for each step and place: some tens of times what `explain` takes.

        Args:
            signal: the one window that the reason is of, ``(C, T)``, as `explain` takes it.
            reason: by this model; ``runner_up`` stays as it is.

        Returns:
            The reason with `vqtext.reason.Step.places`. Steps that are unknown have none.

        Raises:
            DataError: more than one window, a reason of another model, or one of a recording.
            ShapeError: as for `explain`.
        """
        return highlight(self, signal, reason)

    def redraw(self, signal: Signals, reason: Reason, label: str, examples: Signals) -> Redrawn | None:
        """What would have to change for another class, as signal: the shortest stretch that, drawn anew as
        steps of that class, makes the window one of it (`vqtext.model.decoding.redraw`).

        Args:
            signal: the one window that the reason is of, ``(C, T)``.
            reason: by this model; ``label``: the other class.
            examples: windows of that class, ``(n, C, T)``, such as a dozen of its training windows: how
                strong its steps are, and how the sensors lie, is taken from them.

        Returns:
            None where none of the examples is read as that class, or the two have the same steps.

        Raises:
            DataError: no such class, or the reason's own; as `explain` besides.
        """
        known = label in self.config.labels  # else `redraw` raises
        drawn = drawings(self, examples, self.config.labels.index(label)) if known else []
        return redraw(self, signal, reason, label, drawn)

    def arrange(self, signals: Signals, channels: Sequence[Channel]) -> np.ndarray:
        """Signals of another sensor set-up as `explain` takes them; see `arrange`."""
        return arrange(signals, channels, self.config)

    def explain_stream(
        self, signal: Signals | Iterable[Signals], stride_s: float | None = None, ahead: int = 1
    ) -> Iterator[Reason]:
        """Reasons of a long recording, as it goes on; see `vqtext.model.decoding.stream.explain_stream`."""
        return explain_stream(self, signal, stride_s, ahead)

    def explain_recording(self, recording: Any, **how: Any) -> RecordingReasons:
        """Class and reasons of a whole recording: a pandas DataFrame, or ``(C, n)``, of any rate; see
        `vqtext.explain_recording`, which takes the same arguments."""
        import vqtext  # here: a model needs nothing that prepares recordings

        return vqtext.explain_recording(self, recording, **how)

    def predict_proba(self, signals: Signals, index: np.ndarray | None = None) -> np.ndarray:
        """Posterior over `classes`, ``(n, classes)``. Arguments and errors as `explain`."""
        parts = [self._decode(rows, ranks=0)[0].log_posterior for rows in blocks(signals, index, self.config)]
        return torch.cat(parts).exp().numpy()

    def predict(self, signals: Signals, index: np.ndarray | None = None) -> np.ndarray:
        """Names of the classes that `explain` gives, ``(n,)``. Arguments and errors as there."""
        return self.classes[self.predict_proba(signals, index).argmax(1)]

    def decode(self, signals: Signals, index: np.ndarray | None = None) -> Decodings:
        """Class and path through its transcript of each window. Arguments and errors as `explain`."""
        copied = ("log_posterior", "steps", "familiar")
        uses, parts = self.vocabulary.longest, []
        for rows in blocks(signals, index, self.config):
            decoded, _, keep = self._decode(rows)
            label, path = decoded.label[:, 0], decoded.path[:, 0]
            own = (path != UNKNOWN) & (path // uses == label[:, None])
            anchor = self.decoder.grammar.anchor.flatten()[path.clamp(min=0)]
            part = {
                "label": label,
                "use": torch.where(own, path % uses, UNKNOWN),
                "anchor": torch.where(path == UNKNOWN, UNKNOWN, anchor),
                "confidence": decoded.confidence[:, 0],
                "keep": keep,
            }
            parts.append(part | {name: getattr(decoded, name) for name in copied})
        return _joined(Decodings, parts)

    @torch.no_grad()
    def tokenize(self, signals: Signals, index: np.ndarray | None = None) -> Tokens:
        """Tokens of each window. Arguments and errors as `explain`."""
        copied = ("t", "l", "mu", "sigma", "features", "pooled", "classes")
        parts = []
        for rows in blocks(signals, index, self.config):
            out = self.network.read(rows)
            part = {
                "code": torch.where(out.keep, out.code, -1),
                "names": self.network.names_of(frame_states(out, self.config.frames)),
            }
            parts.append(part | {name: getattr(out, name) for name in copied})
        return _joined(Tokens, parts)

    @torch.no_grad()
    def stitch(self, signals: Signals, index: np.ndarray | None = None, read: bool = False) -> np.ndarray:
        """The signal as its codes draw it, piece by piece, put back together.

        Args:
            read: add what the tokens of a window tell together, beyond what each code draws alone.

        Returns:
            ``(n, C, T)`` in physical units, T as the model's windows are. Other arguments and errors as
            `explain`.
        """
        scale = self.network.normalise
        parts = []
        for rows in blocks(signals, index, self.config):
            out = self.network(rows)
            drawn = out.rebuilt if read else out.stitched
            parts.append(drawn * scale.std[:, None] + scale.mean[:, None])
        return torch.cat(parts).numpy()

    def save(self, folder: Path | str) -> None:
        """Write the model into an existing or new folder."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        model = torch.nn.ModuleDict({"network": self.network, "decoder": self.decoder})
        save_safetensors(model.state_dict(), folder / WEIGHTS)
        _write_json(folder / CONFIG, self.config.to_dict())
        _write_json(folder / ANCHORS, self.vocabulary.to_dict())

    @classmethod
    def from_folder(cls, folder: Path | str) -> VQText:
        """A trained model; as `load`, but an imported VQShape is an `ArtifactError`."""
        model = load(folder)
        if isinstance(model, VQShape):
            raise ArtifactError(
                f"{folder} holds a VQShape, which has neither names nor classes: start a model from it with "
                f"`vqtext train --channels independent --init {folder}`"
            )
        return model

    @torch.no_grad()
    def _decode(self, rows: torch.Tensor, ranks: int = 1) -> tuple[Decoded, torch.Tensor, torch.Tensor]:
        out, keep = self.network.read(rows), frames_seen(rows, self.config)
        states, familiar = frame_states(out, self.config.frames), self.decoder.novelty(out.pooled)
        return self.decoder(states, out.classes, keep, ranks, familiar), states, keep


def load(folder: Path | str) -> VQText | VQShape:
    """Load a trained model, or a VQShape that ``vqtext import-vqshape`` wrote.

    A `VQShape` has ``tokenize``, for series ``(B, T)`` of its own length, but no names and no classes, so
    neither ``explain`` nor ``predict``; `VQText.from_pretrained` never returns one.

    Args:
        folder: a model folder (``cache/runs/NAME/seed-0``), or a run's (``cache/runs/NAME``), which gives the
            seed with the best validation score. A run of folds has no best: each of its models has not seen
            other people, so one is named (``cache/runs/NAME/fold-0/seed-0``).

    Raises:
        ArtifactError: no model there, a damaged one, one of another format, or a run of folds.
    """
    folder = _model_folder(Path(folder))
    data = _read_json(folder / CONFIG)
    if data.get("architecture") == ARCHITECTURE:
        return VQShape.from_pretrained(folder)
    config = ModelConfig.from_dict(data)
    vocabulary = Vocabulary.from_dict(_read_json(folder / ANCHORS))
    try:
        decoder = Decoder(config, vocabulary)
        anchors = torch.zeros(len(vocabulary.anchors), config.text_dim)
        network = Network(config, anchors, decoder.grammar.of_state)
    except (ArithmeticError, AssertionError, LookupError, RuntimeError, ValueError) as error:
        raise ArtifactError(
            f"{folder}: no model has the sizes of its {CONFIG} and {ANCHORS} ({one_line(error)}): "
            "run `vqtext train`"
        ) from error
    try:
        tensors = load_file(folder / WEIGHTS)
    except (SafetensorError, OSError) as error:
        raise ArtifactError(
            f"{folder / WEIGHTS} cannot be read ({one_line(error)}): run `vqtext train`"
        ) from error
    model = torch.nn.ModuleDict({"network": network, "decoder": decoder})
    shapes = {name: tuple(value.shape) for name, value in model.state_dict().items()}
    if problem := misfits(shapes, tensors):
        raise ArtifactError(f"{folder / WEIGHTS} is not this model's: it {problem}: run `vqtext train`")
    model.load_state_dict(tensors)
    return VQText(network, decoder, folder)


def _model_folder(folder: Path) -> Path:
    """The folder of a model: itself, or of a run's best seed."""
    if not (folder / CONFIG).exists() and (folder / "run.json").exists():
        best = _read_json(folder / "run.json").get("best", "")
        if best is None:
            raise ArtifactError(
                f"{folder} is a run of folds, each with its own models: name one, such as "
                f"{folder / 'fold-0/seed-0'}, or train a model for use with `vqtext train` without --folds"
            )
        folder = folder / str(best)
    if not (folder / CONFIG).exists():
        raise ArtifactError(f"{folder} holds no model: run `vqtext train`, or name a folder with {CONFIG}")
    return folder


def _joined(kind: type[Arrays], parts: Sequence[dict[str, torch.Tensor]]) -> Arrays:
    """Values of blocks of windows as arrays of all windows."""
    return kind(**{name: torch.cat([part[name] for part in parts]).numpy() for name in parts[0]})


def _read_json(path: Path) -> dict[str, Any]:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ArtifactError(f"{path} cannot be read ({type(error).__name__}): run `vqtext train`") from error
    if not isinstance(data, dict):
        raise ArtifactError(f"{path} is not a JSON object: run `vqtext train`")
    return data


def _write_json(path: Path, data: dict[str, Any]) -> None:
    path.write_text(json.dumps(data, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
