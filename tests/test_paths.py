"""Who names a file by a text, as everybody does in a notebook, would get an AttributeError."""

from __future__ import annotations

import inspect
from importlib import import_module

import numpy as np
import pytest

from vqtext.cache import hdf5, verify
from vqtext.cache.fingerprint import file_fingerprint
from vqtext.cache.lock import lock
from vqtext.cache.rows import StoredRows
from vqtext.data.readers.base import open_reader
from vqtext.errors import VQTextError
from vqtext.model.vqshape import VQShape
from vqtext.pipeline import convert
from vqtext.pipeline.evaluation import truth_map
from vqtext.pipeline.training import run_record
from vqtext.prompts.subactions import read_subactions

MODULES = [
    *(f"cache.{name}" for name in ("hdf5", "rows", "lock", "fingerprint", "verify")),
    *(f"pipeline.{name}" for name in ("artifacts", "convert", "explain", "training.run_record")),
    *("pipeline.vocabulary.anchor_words", "pipeline.evaluation.truth_map"),
    "pipeline.preparing.prepare_frames",
    *(f"model.{name}" for name in ("load", "export_onnx", "training.init_from_vqshape")),
    *("model.vqshape.weights", "model.vqshape.original", "prompts.subactions", "settings.loading"),
]


@pytest.mark.parametrize("name", MODULES)
def test_public_functions_take_both(name):
    module = import_module(f"vqtext.{name}")
    own = [item for item in vars(module).values() if getattr(item, "__module__", None) == module.__name__]
    called = [item for item in own if inspect.isfunction(item) and not item.__name__.startswith("_")]
    for function in called:
        for parameter in inspect.signature(function).parameters.values():
            assert parameter.annotation not in ("Path", "Path | None"), (function.__name__, parameter.name)


def test_what_is_written_and_read_by_a_text(tmp_path):
    path = str(tmp_path / "windows.h5")
    with lock(path):
        hdf5.write(path, "windows", {"signal": np.ones((2, 3))}, {}, "")
        hdf5.stamp(path, {"recipe": "r"})
    assert StoredRows(path, "windows", "signal")[1].tolist() == [1, 1, 1]
    verify.check_bytes(path)
    assert len(file_fingerprint(path)) == 16


@pytest.mark.parametrize(
    "call",
    [
        run_record.read_run,
        truth_map.read_table,
        VQShape.from_pretrained,
        VQShape.from_original,
        read_subactions,
        lambda path: convert.import_vqshape(path, path),
        lambda path: convert.export(path, "original", path),
        lambda path: open_reader("csv", path, None, print),
        lambda path: hdf5.open_artifact(path, "windows"),
    ],
)
def test_what_is_not_there_is_one_line(tmp_path, call):
    with pytest.raises(VQTextError):
        call(str(tmp_path / "none"))
