"""The path from signal to tokens as an ONNX graph, for programs without torch.

The graph takes ``signal (B, C, T)`` in physical units, NaN where nothing was measured, with any B, and gives
`OUTPUTS` as `VQText.tokenize` does. What follows, the decoding under grammars, is not in it. What the numbers
mean stands in the file's metadata, see `metadata`.
"""

from __future__ import annotations

import io
import json
import logging
import warnings
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

import vqtext
from vqtext.errors import ArtifactError, UsageError
from vqtext.model.config import ModelConfig
from vqtext.model.load import VQText
from vqtext.model.network.frame_names import frame_states

OUTPUTS = ("code", "t", "l", "mu", "sigma", "names", "classes")
CLOSE = 1e-3  # largest difference from torch, in units of the largest value of an output


class TokenPath(nn.Module):
    """`OUTPUTS` of one model, as a tuple of tensors."""

    def __init__(self, model: VQText) -> None:
        super().__init__()
        self.network, self.frames = model.network, model.config.frames

    def forward(self, signal: Tensor) -> tuple[Tensor, ...]:
        """Windows ``(B, C, T)`` → `OUTPUTS`; the code is −1 where a token saw nothing."""
        out = self.network.read(signal)
        code = torch.where(out.keep, out.code, -1)
        names = self.network.names_of(frame_states(out, self.frames))
        return code, out.t, out.l, out.mu, out.sigma, names, out.classes


def metadata(model: VQText) -> dict[str, str]:
    """What a program must know to use the graph, each value as JSON.

    ``classes`` in the order of the output of that name, ``channels`` (name, location, modality, axis, unit,
    gravity) in the order of the input, ``rate_hz``, ``steps`` and ``window_s`` of a window, ``phrases`` in
    the order of the output ``names``, and ``vqtext``, the version that wrote the file.
    """
    config = model.config
    values = {
        "classes": config.labels,
        "channels": [channel.to_dict() for channel in config.channels],
        "rate_hz": config.rate_hz,
        "steps": config.steps,
        "window_s": config.window_s,
        "phrases": model.vocabulary.anchors,
        "vqtext": vqtext.__version__,
    }
    return {key: json.dumps(value, ensure_ascii=False) for key, value in values.items()}


def export_onnx(model: VQText, file: Path | str) -> dict[str, float]:
    """Write the graph, and hold it against torch on random windows with missing samples.

    Returns:
        For each of `OUTPUTS` the largest difference, as a share of its largest value; of codes, the share
        that differ.

    Raises:
        UsageError: what writes or runs ONNX is not installed.
        ArtifactError: the graph says something else than the model.
    """
    try:
        import onnxruntime
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise UsageError(f"{error.name} is not installed: pip install 'vqtext[onnx]'") from None
    path = TokenPath(model).eval()
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings(), redirect_stdout(io.StringIO()), torch.no_grad():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            path,
            (_windows(3, model.config),),
            dynamo=True,
            verbose=False,
            dynamic_shapes={"signal": {0: torch.export.Dim("batch")}},
            input_names=["signal"],
            output_names=list(OUTPUTS),
        )
        assert program is not None
        program.model.metadata_props.update(metadata(model))
        program.save(file)
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    differences = _differences(path, session, model.config)
    wrong = [f"{name} {value:.1e}" for name, value in differences.items() if not value <= CLOSE]
    if wrong:
        raise ArtifactError(
            f"the ONNX graph differs from the model ({', '.join(wrong)}): this is a bug, tell us"
        )
    return differences


def _differences(path: TokenPath, session: Any, config: ModelConfig) -> dict[str, float]:
    """How far the outputs of a graph are from the model's; see `export_onnx`."""
    differences = dict.fromkeys(OUTPUTS, 0.0)
    for count in (1, 5):
        windows = _windows(count, config)
        with torch.no_grad():
            expected = [value.numpy() for value in path(windows)]
        outputs = session.run(None, {"signal": windows.numpy()})
        for name, output, value in zip(OUTPUTS, outputs, expected, strict=True):
            scale = float(np.abs(value).max()) or 1.0
            difference = (output != value).mean() if name == "code" else np.abs(output - value).max() / scale
            differences[name] = max(differences[name], float(difference))
    return differences


def _windows(count: int, config: ModelConfig) -> Tensor:
    """Random windows with missing samples, the same each time."""
    generator = torch.Generator().manual_seed(count)
    windows = torch.randn(count, len(config.channels), config.steps, generator=generator)
    windows[0, 0, : config.steps // 3] = torch.nan
    windows[-1, :, -config.steps // 4 :] = torch.nan
    return windows
