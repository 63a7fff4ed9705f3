"""A user would lose: the product. Real processes run the real commands in an empty folder."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import h5py
import numpy as np
import pytest
from formats_page import names, rows
from running import SMALL, command, succeed

import vqtext
from vqtext.data.readers.basic_motions import BasicMotions
from vqtext.reason import UNSURE

CLASSIFIERS = ("tokens", "histogram", "head", "steps", "decoding")
WITHOUT_TEXT_OR_NETWORK = """
import socket, sys

def refuse(*_, **__):
    raise OSError("no network here")

socket.socket.connect = socket.getaddrinfo = refuse


class Refuse:
    def find_spec(self, name, *_):
        if name.split(".")[0] in {"openai", "transformers", "sentence_transformers"}:
            raise ImportError(name)

sys.meta_path.insert(0, Refuse())
sys.argv = ["vqtext", "train", "--force", "--run", "offline"]
from vqtext.cli import main
main()
"""


def test_four_commands_in_an_empty_folder_end_in_a_model_that_explains(folder: Path):
    model = vqtext.load(folder / "cache/runs/default")
    signals = next(iter(BasicMotions(None, None, print).recordings())).signal
    reason = model.explain(signals)[0]
    assert reason.steps and f"= {reason.label} ({reason.confidence:.2f})" in str(reason)


def test_the_e_step_of_real_recordings_finds_what_it_found(folder: Path):
    """Names that people have worked with would change, and no other test would say so.

    Where that is meant, put ``steps`` of `vqtext preview --json` into the file; the commit says why."""
    golden = json.loads(Path(__file__).with_name("golden_e_step.json").read_text(encoding="utf-8"))
    found = json.loads(succeed(folder, "preview", "--json").stdout)["steps"]
    assert [(s["label"], s["phrase"]) for s in found] == [(s["label"], s["phrase"]) for s in golden]
    assert [s["time"] for s in found] == pytest.approx([s["time"] for s in golden], abs=0.02)


def test_evaluate_and_explain_answer_in_json_and_nothing_else(folder: Path):
    scores = json.loads(succeed(folder, "evaluate", "--json").stdout)
    assert list(scores) == [
        "dataset",
        "test_subjects",
        "seeds",
        "classification",
        "grounding",
        "controls",
        "faithfulness",
        "leak",
    ]
    assert scores["grounding"] is None and scores["controls"] is None, "the data have no truth"
    assert list(scores["classification"]) == [*CLASSIFIERS, "ece"]
    for name in CLASSIFIERS:
        entry = scores["classification"][name]
        assert set(entry) == {"accuracy", "macro_f1"}
        assert set(entry["accuracy"]) == {"mean", "std", "values"} and len(entry["accuracy"]["values"]) == 1
    said = json.loads(succeed(folder, "explain", "--json").stdout)
    assert (folder / said["report"]).read_text(encoding="utf-8").startswith("<!doctype html>")
    assert {sample["true"] for sample in said["samples"]} == {"standing", "walking", "running", "badminton"}
    again = command(folder, "evaluate", "--json")
    assert json.loads(again.stdout) == scores and "up to date" in again.stderr
    _is_what_the_page_says(folder / "cache/runs/default")


def _is_what_the_page_says(run: Path) -> None:
    """Who reads a run without this package has only the page on file formats."""
    page = {name for cells in rows("runs/NAME", "file") for name in names(cells[0])}
    found = {file.relative_to(run).as_posix() for file in run.rglob("[!.]*") if file.is_file()}
    assert {name for name in found if "tfevents" not in name} == page
    keys = [name for cells in rows("runs/NAME", "key") for name in names(cells[0])]
    assert set(json.loads((run / "run.json").read_text(encoding="utf-8"))) == set(keys)


def test_one_window_and_the_codes_are_told_and_nothing_is_written(folder: Path, small_call):
    before = {path: path.stat().st_mtime_ns for path in (folder / "cache/runs/default").rglob("*")}
    said = json.loads(small_call("explain", "--window", "1", "--json")[1])
    assert (
        said["window"] == 1 and said["part"] in ("train", "validation") and said["steps"] and said["tokens"]
    )
    model, signal = vqtext.load(folder / "cache/runs/default"), signal_of(folder, 1)
    assert said["text"] == str(model.highlight(signal, model.explain(signal)[0]))
    assert said["why_not"] is None
    other = next(label for label in model.config.labels if label != said["label"])
    _, why, _ = small_call("explain", "--window", "1", "--why-not", other)
    assert str(model.explain(signal)[0].why_not(other)) in why
    code, told, _ = small_call("explain", "--window", "79")
    assert code == 0 and told.startswith("window 79: ") and "its model has seen it" not in told
    for window, *more in (("1", "--why-not", said["label"]), ("80",)):
        code, _, wrong = small_call("explain", "--window", window, *more)
        assert code == 2 and wrong.startswith("error: ")
    assert small_call("explain", "--why-not", other)[0] == 2
    found = json.loads(small_call("codes", "--words", "--json")[1])
    assert len(found["codes"]) + found["unused"] == 64
    assert abs(sum(code["usage"] for code in found["codes"]) - 1) < 1e-6
    doubts = [row["doubt"] for row in found["words"] if row["doubt"] is not None]
    assert doubts and doubts == sorted(doubts, reverse=True)
    code, _, wrong = small_call("codes", "--run", "nobody")
    assert code == 1 and "vqtext train" in wrong
    after = {path: path.stat().st_mtime_ns for path in (folder / "cache/runs/default").rglob("*")}
    assert after == before


def test_training_needs_neither_network_nor_text_models(folder: Path):
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_TEXT_OR_NETWORK],
        cwd=folder,
        env={**os.environ, **SMALL},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert (folder / "cache/runs/offline/seed-0/model.safetensors").exists()


def test_the_same_run_twice_gives_the_same_weights(folder: Path):
    for name in ("once", "twice"):
        succeed(folder, "train", "--run", name)
    one, two = (
        (folder / f"cache/runs/{name}/seed-0/model.safetensors").read_bytes() for name in ("once", "twice")
    )
    assert one == two


def test_ctrl_c_in_training_leaves_the_old_run_whole(folder: Path):
    before = (folder / "cache/runs/default/seed-0/model.safetensors").read_bytes()
    process = subprocess.Popen(
        [sys.executable, "-c", "from vqtext.cli import main; main()", "train", "--force"],
        cwd=folder,
        env={**os.environ, **SMALL, "VQTEXT_TRAIN__EPOCHS": "5000"},
        stderr=subprocess.PIPE,
        text=True,
    )
    logs = folder / "cache/runs"
    deadline = time.monotonic() + 600
    while not list(logs.glob(".default.partial*/.seed-0.work/metrics.csv")):
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=600)
    assert process.returncode == 130, said
    assert "Traceback" not in said
    assert (folder / "cache/runs/default/seed-0/model.safetensors").read_bytes() == before


def signal_of(folder: Path, window: int) -> np.ndarray:
    with h5py.File(folder / "cache/windows.h5") as windows:
        return windows["signal"][window]


def own_data(folder: Path, labels: list[str], subjects: int = 3) -> None:
    """A study with a wrist sensor: each label moves at its own pace."""
    data = folder / "study"
    (data / "recordings").mkdir(parents=True)
    (data / "dataset.toml").write_text(
        'name = "my-study"\nrate_hz = 20\nrecordings = "recordings/*.csv"\n'
        'label_column = "label"\nsubject_column = "subject"\n'
        + "".join(
            f'[[channels]]\ncolumn = "g{a}"\nlocation = "right wrist"\nmodality = "gyro"\naxis = "{a}"\n'
            'unit = "rad/s"\n'
            for a in "xyz"
        ),
        encoding="utf-8",
    )
    rng = np.random.default_rng(0)
    for subject in range(1, subjects + 1):
        for i, label in enumerate(labels):
            wave = np.sin(np.arange(160) / (1 + i))[:, None] + 0.1 * rng.normal(size=(160, 3))
            quoted = label.replace('"', '""')
            rows = [f'{x:.4f},{y:.4f},{z:.4f},"{quoted}",{subject}' for x, y, z in wave]
            text = "\n".join(["gx,gy,gz,label,subject", *rows]) + "\n"
            (data / f"recordings/{subject}-{i}.csv").write_text(text, encoding="utf-8")
    words = {
        "schema": 1,
        "language": "en",
        "provider": "hand",
        "model": None,
        "labels": [
            {"label": x, "subactions": [{"phrase": f"hand moves in way {i}"}]} for i, x in enumerate(labels)
        ],
    }
    (folder / "cache").mkdir()
    (folder / "cache/subactions.json").write_text(json.dumps(words), encoding="utf-8")
    succeed(folder, "prepare", "--data", "csv", "--path", "study", "--window-s", "2", "--stride-s", "2")


def test_hostile_labels_go_through_and_never_become_markup_or_paths(tmp_path: Path):
    labels = ["../../etc", "<script>alert(1)</script>", "걷기", "🏃 run"]
    own_data(tmp_path, labels)
    for words in (["embed"], ["dedup"], ["train", "--test-subjects", "3", "--seeds", "0,1"], ["evaluate"]):
        succeed(tmp_path, *words)
    succeed(tmp_path, "explain")
    run = json.loads((tmp_path / "cache/runs/default/run.json").read_text(encoding="utf-8"))
    assert run["splits"][0]["test_subjects"] == ["3"] and run["seeds"] == [0, 1]
    page = (tmp_path / "cache/runs/default/report.html").read_text(encoding="utf-8")
    assert "<script>alert" not in page and "&lt;script&gt;alert" in page and "걷기" in page
    assert {p.name for p in tmp_path.iterdir()} == {"study", "cache"}
    assert vqtext.load(tmp_path / "cache/runs/default").config.labels == tuple(labels)
    unknown = command(tmp_path, "train", "--test-subjects", "9")
    assert unknown.returncode == 2 and "1, 2, 3" in unknown.stderr and "Traceback" not in unknown.stderr


def test_people_are_told_in_their_own_language(tmp_path: Path):
    own_data(tmp_path, ["walking", "reaching", "waving"])
    lift = "raise the right hand"
    labels = [
        {"label": "walking", "display": "걷기", "subactions": [
            {"phrase": lift, "display": "오른손을 든다"},
            {"phrase": "lower the right hand", "display": "오른손을\n내린다"},
        ]},
        {"label": "reaching", "display": "손 뻗기", "subactions": [
            {"phrase": lift, "display": "오른손을 올린다"},
            {"phrase": "hold the right hand still", "display": "멈춘다"},
        ]},
        {"label": "waving", "display": "걷기", "subactions": [
            {"phrase": "swing the right hand aside", "display": "옆으로 흔든다"},
            {"phrase": "turn the palm", "display": " "},
        ]},
    ]  # fmt: skip
    words = json.dumps({"language": "ko", "labels": labels}, ensure_ascii=False)
    (tmp_path / "cache/subactions.json").write_text(words, encoding="utf-8")
    for typed in (["embed"], ["dedup"], ["train", "--test-subjects", "3"], ["evaluate"]):
        succeed(tmp_path, *typed)
    done = command(tmp_path, "explain", PYTHONIOENCODING="utf-8")
    assert done.returncode == 0 and "truly 손 뻗기:" in done.stdout, done.stderr
    assert "truly 걷기 (walking):" in done.stdout, "two labels that are shown alike stay apart"
    only_ascii = command(tmp_path, "explain", "--force", PYTHONIOENCODING="ascii")
    assert only_ascii.returncode == 0 and "Traceback" not in only_ascii.stderr
    assert "truly \\uc190 \\ubed7\\uae30:" in only_ascii.stdout
    in_json = command(tmp_path, "explain", "--json", PYTHONIOENCODING="ascii")
    shown = {
        "walking": ("걷기 (walking)", {lift: "오른손을 든다", "lower the right hand": "오른손을 내린다"}),
        "reaching": ("손 뻗기", {lift: "오른손을 올린다", "hold the right hand still": "멈춘다"}),
        "waving": ("걷기 (waving)", {"swing the right hand aside": "옆으로 흔든다", "turn the palm": None}),
    }
    samples = json.loads(in_json.stdout)["samples"]
    for sample in samples:
        assert sample["true_display"] == shown[sample["true"]][0]
        told, steps = shown[sample["label"]]
        assert sample["display"] == told and f"= {told} (" in sample["text"]
        assert all(step["display"] == steps[step["name"]] for step in sample["steps"])
        sure = [step for step in sample["steps"][:8] if step["confidence"] >= UNSURE]
        assert all((step["display"] or step["name"]) in sample["text"] for step in sure)
        assert not any(step["name"] in sample["text"] for step in sample["steps"] if step["display"])
    said = vqtext.load(tmp_path / "cache/runs/default").vocabulary
    for transcript in said.transcripts:
        uses = {said.anchors[use.anchor]: use.display for use in transcript.uses}
        assert (transcript.display, uses) == shown[transcript.label]
    page = (tmp_path / "cache/runs/default/report.html").read_bytes().decode("utf-8")
    assert '<meta charset="utf-8">' in page and '<bdi title="reaching">손 뻗기</bdi>' in page
    in_korean = [step for sample in samples for step in sample["steps"] if step["display"]]
    assert in_korean
    for step in in_korean:
        assert f'<bdi title="{step["name"]}">{step["display"]}</bdi>' in page


def test_one_class_only_is_one_clear_line(tmp_path: Path):
    own_data(tmp_path, ["waving"])
    for words in (["embed"], ["dedup"]):
        succeed(tmp_path, *words)
    done = command(tmp_path, "train", "--test-subjects", "3")
    assert done.returncode == 1
    assert [line for line in done.stderr.splitlines() if line.startswith("error:")]
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "cache/runs/default").exists()


def test_a_damaged_input_is_one_clear_line(folder: Path, tmp_path: Path):
    import shutil

    shutil.copytree(folder / "cache", tmp_path / "cache")
    target = tmp_path / "cache/windows.h5"
    target.write_bytes(target.read_bytes()[:5000])
    done = command(tmp_path, "evaluate", "--force")
    assert done.returncode == 1 and "windows.h5" in done.stderr and "Traceback" not in done.stderr
    (tmp_path / "cache/anchors.h5").unlink()
    target.write_bytes((folder / "cache/windows.h5").read_bytes())
    done = command(tmp_path, "train", "--run", "other")
    assert done.returncode == 1 and "vqtext dedup" in done.stderr
