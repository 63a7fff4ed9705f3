"""vqtext: VQShape tokens with a meaning."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

__version__ = "0.1.0"
__all__ = ["VQTextClassifier", "explain_recording", "load", "model_card", "plot", "prepare_frames"]

if TYPE_CHECKING:
    from vqtext import plot
    from vqtext.model.load import load
    from vqtext.pipeline.estimating.estimator import VQTextClassifier
    from vqtext.pipeline.evaluation.card import model_card
    from vqtext.pipeline.explaining.of_recording import explain_recording
    from vqtext.pipeline.preparing.prepare_frames import prepare_frames

_HOME = {
    "VQTextClassifier": "vqtext.pipeline.estimating.estimator",
    "explain_recording": "vqtext.pipeline.explaining.of_recording",
    "load": "vqtext.model.load",
    "model_card": "vqtext.pipeline.evaluation.card",
    "prepare_frames": "vqtext.pipeline.preparing.prepare_frames",
}


def __getattr__(name: str) -> object:
    if name == "plot":
        return import_module("vqtext.plot")
    # `import vqtext` must not import torch: the CLI answers `--help` and `status` within a second.
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    raise AttributeError(f"module 'vqtext' has no attribute {name!r}")
