"""A user would lose: the certainty that what lies in the cache is what was written."""

from __future__ import annotations

import json
import sqlite3

import numpy as np
import pytest

from vqtext.cache import hdf5
from vqtext.cache.fingerprint import file_fingerprint
from vqtext.errors import ArtifactError
from vqtext.pipeline.status import states
from vqtext.settings.schema import Settings


def verified(cache):
    found = states(Settings(cache=cache), verify=True)["artifacts"]
    return {entry["artifact"]: entry for entry in found}


def test_every_array_is_read(tmp_path, call):
    path = tmp_path / "cache" / "windows.h5"
    path.parent.mkdir()
    values = np.random.default_rng(0).normal(size=(300, 4, 50)).astype(np.float32)
    arrays = {"signal": values, "none": np.zeros((0, 3)), "text": ["a", "걷기"], "no_text": []}
    hdf5.write(path, "windows", arrays, {}, "")
    assert verified(path.parent)["windows.h5"]["state"] == "made"
    assert call("status", "--verify")[0] == 0
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    assert "(signal)" in verified(path.parent)["windows.h5"]["why"]
    code, out, _ = call("status", "--verify", "--json")
    assert code == 1 and json.loads(out)["artifacts"][0]["state"] == "damaged"
    assert "vqtext prepare --force" in call("status", "--verify")[1]
    assert call("status")[0] == 0


def test_runs_and_the_journal(tmp_path):
    from safetensors.numpy import save_file

    run = tmp_path / "runs" / "default"
    run.mkdir(parents=True)
    save_file({"w": np.arange(100.0)}, run / "model.safetensors")
    files = {"model.safetensors": file_fingerprint(run / "model.safetensors")}
    (run / "run.json").write_text(json.dumps({"files": files}))
    with sqlite3.connect(tmp_path / "journal.sqlite") as file:
        file.execute("CREATE TABLE replies (a)")
        file.executemany("INSERT INTO replies VALUES (?)", [("x" * 500,)] * 100)
    file.close()
    found = verified(tmp_path)
    assert found["runs/default"]["state"] == found["journal.sqlite"]["state"] == "made"
    for name in ("runs/default/model.safetensors", "journal.sqlite"):
        whole = bytearray((tmp_path / name).read_bytes())
        whole[len(whole) // 2 :: 7] = bytes(len(whole[len(whole) // 2 :: 7]))  # as long as it was
        (tmp_path / name).write_bytes(whole)
    found = verified(tmp_path)
    assert found["journal.sqlite"]["state"] == "damaged"
    assert found["runs/default"]["why"].endswith("`vqtext train --run default --force`")


def test_flips_anywhere_in_windows_are_found_or_harmless(tmp_path):
    path, rng = tmp_path / "windows.h5", np.random.default_rng(1)
    values = rng.normal(size=(40, 6, 100)).astype(np.float32)
    hdf5.write(path, "windows", {"signal": values}, {"labels": ["a"]}, "")
    data, found = path.read_bytes(), 0
    for place in rng.integers(len(data), size=300):
        path.write_bytes(data[:place] + bytes([data[place] ^ 1 << int(place) % 8]) + data[place + 1 :])
        try:
            with hdf5.open_artifact(path, "windows") as artifact:
                np.testing.assert_array_equal(artifact.rows("signal", range(39, -1, -3)), values[39::-3])
                artifact.verify()
        except ArtifactError:
            found += 1
    assert found > 200


def test_a_chunk_that_was_replaced_with_a_valid_one_is_found(tmp_path):
    import h5py

    hdf5.write(tmp_path / "windows.h5", "windows", {"signal": np.ones((4, 2))}, {}, "")
    with h5py.File(tmp_path / "windows.h5", "r+") as file:
        file["signal"][2] = 5
    with (
        hdf5.open_artifact(tmp_path / "windows.h5", "windows") as artifact,
        pytest.raises(ArtifactError, match=r"\(signal\)"),
    ):
        artifact.verify()
