"""Who names a file by a text, as everybody does in a notebook, would get an AttributeError."""

from __future__ import annotations

import inspect
from importlib import import_module

import numpy as np
import pytest

from vqtext.cache import hdf5
from vqtext.cache.fingerprint import file_fingerprint
from vqtext.cache.lock import lock
from vqtext.cache.rows import StoredRows
from vqtext.data.readers import open_reader
from vqtext.errors import VQTextError
from vqtext.model.vqshape import weights
from vqtext.model.vqshape.original import load_original
from vqtext.pipeline import runs, truth, verify, vqshape
from vqtext.prompts.subactions import read_subactions

MODULES = [
    *(f"cache.{name}" for name in ("hdf5", "rows", "lock", "fingerprint", "left_open")),
    *(f"pipeline.{name}" for name in ("artifacts", "runs", "verify", "vqshape", "words", "truth", "frames")),
    *(f"model.{name}" for name in ("load", "onnx", "starting", "vqshape.weights", "vqshape.original")),
    *("pipeline.explain", "prompts.subactions", "settings"),
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
        runs.read_run,
        truth.read_table,
        weights.load,
        load_original,
        read_subactions,
        lambda path: vqshape.import_vqshape(path, path),
        lambda path: vqshape.export(path, "original", path),
        lambda path: open_reader("csv", path, None, print),
        lambda path: hdf5.open_artifact(path, "windows"),
    ],
)
def test_what_is_not_there_is_one_line(tmp_path, call):
    with pytest.raises(VQTextError):
        call(str(tmp_path / "none"))
