from __future__ import annotations

import json

import h5py
import numpy as np
import pytest

from vqtext.cache import hdf5
from vqtext.cache.hdf5 import open_artifact
from vqtext.errors import ArtifactError

TEXTS = ["a", "", "two\nlines", "걷기 🏃 <script>"]


def arrays():
    return {
        "text": TEXTS,
        "part/vector": np.arange(12, dtype=np.float32).reshape(6, 2),
        "none": np.zeros((0, 3), dtype=np.int64),
        "no_text": [],
        "token": np.array([1.5, np.nan], dtype=np.float16),
    }


ATTRS = {"labels": ["a/b", "..", "\0", "\ud800"], "rate": 1.5, "nothing": None, "long": "x" * 100_000}


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "texts.h5"
    hdf5.write(path, "texts", arrays(), ATTRS, "recipe")
    return path


def test_what_is_written_is_read(path):
    with open_artifact(path, "texts") as artifact:
        assert artifact.attrs == ATTRS
        assert artifact["text"] == TEXTS and artifact["no_text"] == []
        for name, values in arrays().items():
            if isinstance(values, np.ndarray):
                assert artifact[name].dtype == values.dtype
                np.testing.assert_array_equal(artifact[name], values)
        assert sorted(artifact.names()) == sorted(arrays())
        assert artifact.recipe == "recipe" and artifact.provenance is None
        assert artifact.created.endswith("+00:00")


def test_content_is_of_what_is_inside_and_of_nothing_else(tmp_path):
    def content(name="one", attrs=ATTRS, recipe="recipe", **changed):
        return hdf5.write(tmp_path / name, "texts", arrays() | changed, attrs, recipe)

    first = content()
    assert content("two", recipe="other") == first
    with open_artifact(tmp_path / "one", "texts") as artifact:
        assert artifact.content == first
    for change in (
        {"text": TEXTS[::-1]},
        {"token": np.array([1.5, 2], dtype=np.float16)},
        {"token": np.array([1.5, np.nan], dtype=np.float32)},
        {"part/vector": np.arange(12, dtype=np.float32).reshape(2, 6)},
        {"more": np.zeros(1)},
        {"attrs": ATTRS | {"rate": 1.6}},
    ):
        assert content("three", **change) != first


def test_written_piece_by_piece_it_is_the_same_artifact(path, tmp_path):
    whole = arrays()
    with hdf5.growing(tmp_path / "grown.h5", "texts", "recipe") as out:
        longest = max(len(text.encode()) for text in TEXTS)
        for text in TEXTS:
            out.grow("text", [text], longest)
        for piece in (slice(0, 1), slice(1, 1), slice(1, 4), slice(4, 6)):
            out.grow("part/vector", whole["part/vector"][piece])
        for name in ("none", "no_text", "token"):
            out.put(name, whole[name])
        content = out.finish(ATTRS)
    assert read_all(tmp_path / "grown.h5") == read_all(path)
    with open_artifact(tmp_path / "grown.h5", "texts") as artifact:
        assert artifact.content == content
        assert list(artifact.texts("text")) == TEXTS and artifact.longest("text") == longest
        np.testing.assert_array_equal(
            artifact.rows("part/vector", [5, 0, 5]), whole["part/vector"][[5, 0, 5]]
        )


def test_pieces_of_another_width_are_refused(tmp_path):
    with (
        pytest.raises(ValueError, match="float32"),
        hdf5.growing(tmp_path / "x.h5", "texts", "") as out,
    ):
        out.grow("vector", np.zeros((2, 3), np.float32))
        out.grow("vector", np.zeros((2, 4), np.float32))


def test_rows_in_any_order_with_repeats(path):
    vectors = arrays()["part/vector"]
    with open_artifact(path, "texts") as artifact:
        for rows in ([5, 0, 5, 3], [], np.array([1]), range(6)):
            np.testing.assert_array_equal(artifact.rows("part/vector", rows), vectors[list(rows)])
        for rows in ([6], [-1]):
            with pytest.raises(IndexError, match="6 rows"):
                artifact.rows("part/vector", rows)
        with pytest.raises(ArtifactError, match=r"texts\.h5.*'vectors'.*vqtext embed"):
            artifact["vectors"]


def test_a_stamp_tells_where_it_came_from_and_leaves_the_content(path):
    with open_artifact(path, "texts") as artifact:
        before = artifact.content
    hdf5.stamp(path, {"recipe": "new", "inputs": {"windows.h5": "1"}})
    with open_artifact(path, "texts") as artifact:
        assert artifact.content == before and artifact.recipe == "new"
        assert artifact.provenance == {"recipe": "new", "inputs": {"windows.h5": "1"}}


@pytest.mark.parametrize("text", ["a\0b", "\ud800"])
def test_a_text_that_hdf5_cannot_hold(tmp_path, text):
    with pytest.raises(ArtifactError, match="text 1 of 'text'"):
        hdf5.write(tmp_path / "x.h5", "texts", {"text": ["fine", text]}, {}, "")


def test_missing(tmp_path):
    with pytest.raises(ArtifactError, match=r"texts\.h5.*vqtext embed"):
        open_artifact(tmp_path / "texts.h5", "texts")


def test_cut_off_at_any_place(path):
    data = path.read_bytes()
    for size in [0, 8, 100, *range(len(data) // 20, len(data), len(data) // 20), len(data) - 1]:
        path.write_bytes(data[:size])
        with pytest.raises(ArtifactError, match=r"texts\.h5.*vqtext embed --force"):
            read_all(path)


def test_foreign(path):
    path.write_text("a,b\n1,2\n")
    with pytest.raises(ArtifactError):
        open_artifact(path, "texts")
    with h5py.File(path, "w") as file:
        file["weights"] = np.zeros(3)
    with pytest.raises(ArtifactError):
        open_artifact(path, "texts")
    path.unlink()
    path.mkdir()
    with pytest.raises(ArtifactError, match=r"texts\.h5"):
        open_artifact(path, "texts")


def test_another_kind(path):
    with pytest.raises(ArtifactError, match=r"texts\.h5.* texts, .*anchors.*vqtext dedup"):
        open_artifact(path, "anchors")


@pytest.mark.parametrize("version", [0, 2, "one"])
def test_another_schema_version(path, version):
    with h5py.File(path, "r+") as file:
        file.attrs["vqtext_schema"] = np.bytes_(json.dumps(version))
    with pytest.raises(ArtifactError, match=rf"version {version}\b"):
        open_artifact(path, "texts")


def test_a_flipped_bit_is_an_error_or_harmless(tmp_path):
    path = tmp_path / "texts.h5"
    hdf5.write(path, "texts", arrays(), {"labels": ["a"]}, "recipe")
    whole = read_all(path)
    data = path.read_bytes()
    damaged = 0
    for place in range(0, len(data), 5):
        path.write_bytes(data[:place] + bytes([data[place] ^ 1 << place % 8]) + data[place + 1 :])
        try:
            assert read_all(path) == whole
        except ArtifactError as error:
            assert "\n" not in str(error)
            damaged += 1
    assert damaged > len(data) / 10


def read_all(path):
    with open_artifact(path, "texts") as artifact:
        texts = {name: artifact[name] for name in artifact.names()}
        return artifact.attrs, artifact.content, {name: repr(values) for name, values in texts.items()}


def test_an_array_that_was_changed_later(path):
    with h5py.File(path, "r+") as file:
        del file["part/vector"]
    with pytest.raises(ArtifactError, match=r"\(header\)"):
        open_artifact(path, "texts")


def test_a_full_disk_is_one_line_and_no_crash(tmp_path, python):
    for limit in (100, 20_000, 200_000):
        process = python(
            "import resource, signal, sys\n"
            "from pathlib import Path\n"
            "import numpy as np\n"
            "from vqtext.cache import hdf5\n"
            "from vqtext.cache.publish import publish\n"
            "from vqtext.errors import ArtifactError\n"
            "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
            "resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]),) * 2)\n"
            "values = np.random.default_rng(0).normal(size=(5000, 20))\n"
            "try:\n"
            "    with publish(Path('x.h5')) as temp:\n"
            "        hdf5.write(temp, 'x', {'values': values}, {}, '')\n"
            "except ArtifactError as error:\n"
            "    print(error)\n",
            str(limit),
        )
        said, wrong = process.communicate()
        assert process.returncode == 0 and wrong == ""
        assert said.startswith("x.h5") and said.count("\n") == 1
    assert list(tmp_path.iterdir()) == []
