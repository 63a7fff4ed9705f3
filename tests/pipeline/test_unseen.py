"""A user would lose: the promise that no score is made of people the model has seen.

Real stages, a tiny model.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sent import Sent

import vqtext
from vqtext.data.windows.windows import Windows
from vqtext.errors import ArtifactError, UsageError
from vqtext.pipeline.artifacts import write_windows
from vqtext.pipeline.dedup import Dedup
from vqtext.pipeline.embed import Embed
from vqtext.pipeline.evaluate import Evaluate
from vqtext.pipeline.evaluation import tested
from vqtext.pipeline.evaluation.predictions import CLASSIFIERS
from vqtext.pipeline.explain import Explain, one_of_each
from vqtext.pipeline.stage import run
from vqtext.pipeline.train import Train
from vqtext.pipeline.training import train_model
from vqtext.pipeline.training.run_record import read_run
from vqtext.schema import Channel, Subject
from vqtext.settings.schema import GuidanceSettings, ModelSettings, Settings, TrainSettings

WORDS = {"walking": ["leg up", "foot down"], "waving": ["arm out", "arm back"]}
MORE_WORDS = {**WORDS, "flying": ["flap"]}
TINY = ModelSettings(dim=16, dim_code=4, codes=8, patches=10, tokens=5, layers=1, heads=2)
SUBJECTS, EACH = 4, 6


def study(garbage: tuple[int, ...] = (), modality: str = "gyro") -> Windows:
    """Four people who walk and wave; of some all but their ids is other than it was."""
    unit = {"gyro": "rad/s", "acc": "m/s2", "unknown": "1"}[modality]
    rng = np.random.default_rng(0)
    n = SUBJECTS * EACH
    label = np.tile([0, 1], n // 2)
    subject = np.repeat(np.arange(SUBJECTS), EACH)
    time = np.arange(40) / 10
    wave = np.sin(2 * np.pi * np.where(label == 0, 1.0, 2.0)[:, None] * time)
    signal = wave[:, None] * np.array([3.0, 1.0, 2.0])[:, None] + 0.1 * rng.normal(size=(n, 3, 40))
    people = [
        Subject(str(i), age=20 + i, height_cm=170 + i, weight_kg=70, sex="female", hand="right")
        for i in range(SUBJECTS)
    ]
    wrong = np.isin(subject, garbage)
    truth = np.zeros((n, 40), dtype=np.int16)
    if garbage:
        other = np.random.default_rng(1)
        signal[wrong] = 1e6 * other.normal(size=signal[wrong].shape) + 1e5
        label = np.where(wrong, 1, label)
        truth[wrong] = 1
        people = [
            Subject(p.id, age=99, height_cm=90, weight_kg=300, sex="male", hand="left") if i in garbage else p
            for i, p in enumerate(people)
        ]
    return Windows(
        dataset="made up",
        rate_hz=10.0,
        channels=[Channel(axis, "right wrist", modality, axis, unit) for axis in "xyz"],
        labels=list(WORDS),
        subjects=people,
        recordings=[f"r{i}" for i in range(SUBJECTS)],
        signal=signal.astype(np.float32),
        length=np.full(n, 40, dtype=np.int32),
        label=label.astype(np.int32),
        subject=subject.astype(np.int32),
        recording=subject.astype(np.int32),
        start_s=4.0 * np.tile(np.arange(EACH), SUBJECTS),
        split=np.full(n, -1, dtype=np.int8),
        truth=truth,
        truth_words=["calm", "wild"],
    )


@pytest.fixture
def prepared(write_words: Any, heard: Any, bag_of_words: Any) -> Any:
    """Everything up to ``dedup``, out of some windows; returns settings for ``train``."""

    def prepare(windows: Windows, **train: Any) -> Settings:
        cache = write_words(MORE_WORDS, **{label: {"keyword": label} for label in MORE_WORDS}).cache
        for left in cache.glob("*.h5"):
            left.unlink()
        write_windows(cache / "windows.h5", windows, "")
        how = TrainSettings(**{"epochs": 2, "batch_size": 4, "accelerator": "cpu"} | train)
        both = GuidanceSettings(source="both")  # all that is ever told
        settings = Settings(cache=cache, model=TINY, guidance=both, train=how)
        run(Embed(settings, heard))
        run(Dedup(settings, heard))
        return settings

    return prepare


@pytest.mark.parametrize("tested", [(3,), (1, 2, 3)], ids=["most train", "one trains"])
@pytest.mark.parametrize("modality", ["gyro", "acc", "unknown"])
def test_nothing_of_a_test_subject_reaches_a_model(
    prepared: Any, heard: Any, tested: Any, modality: str
) -> None:
    """Signals, labels, truth, facts and so descriptions of the test subjects are garbage: not one bit of the
    weights (statistics of the normalisation among them), of the words or of the epoch is another."""
    models = []
    for garbage in ((), tested):
        settings = prepared(study(garbage, modality), test_subjects=[str(i) for i in tested])
        run(Train(settings, heard), force=True)
        folder = settings.cache / "runs/default/seed-0"
        scores = json.loads((folder / "scores.json").read_text())["validation"]
        files = {name: (folder / name).read_bytes() for name in ("model.safetensors", "anchors.json")}
        models.append((files, scores))
    assert models[0] == models[1]


def test_workers_do_not_change_a_model(prepared: Any, heard: Any) -> None:
    weights = []
    for workers in (0, 1):
        settings = prepared(study(), test_subjects=["1"], workers=workers)
        run(Train(settings, heard), force=True)
        weights.append((settings.cache / "runs/default/seed-0/model.safetensors").read_bytes())
    assert weights[0] == weights[1]


def test_the_garbage_would_be_noticed(prepared: Any, heard: Any) -> None:
    weights = []
    for garbage in ((), (3,)):
        settings = prepared(study(garbage), test_subjects=["1"])
        run(Train(settings, heard), force=True)
        weights.append((settings.cache / "runs/default/seed-0/model.safetensors").read_bytes())
    assert weights[0] != weights[1]


@pytest.fixture
def folds(prepared: Any, heard: Any) -> Settings:
    settings = prepared(study(), folds=2, seeds=[0, 1])
    run(Train(settings, heard))
    return settings


def test_a_run_of_folds(folds: Settings, heard: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = folds.cache / "runs/default"
    trained = {path.parent.relative_to(folder).as_posix() for path in folder.rglob("model.safetensors")}
    assert trained == {f"fold-{fold}/seed-{seed}" for fold in (0, 1) for seed in (0, 1)}
    said = read_run(folder)
    assert said["best"] is None and set(said["validation"]) == trained
    assert sorted(name for split in said["splits"] for name in split["test_subjects"]) == list("0123")
    with pytest.raises(ArtifactError, match="fold-0/seed-0"):
        vqtext.load(folder)
    assert vqtext.load(folder / "fold-1/seed-0").config.labels == tuple(WORDS)
    train = Train(folds, heard)
    lines = "\n".join(train.lines(train.summary()))
    tested = said["splits"][1]["test_subjects"]
    assert "fold 1: trained on 6 windows (subject " in lines
    assert f"kept for the test: 12 windows (subject {tested[0]} 6, {tested[1]} 6)" in lines

    run(Evaluate(folds, heard))
    here = (folder / "evaluate.json").read_bytes()
    monkeypatch.setattr("vqtext.pipeline.evaluate.choose_for_torch", lambda settings: Sent())
    run(Evaluate(folds, heard), force=True)
    assert (folder / "evaluate.json").read_bytes() == here, "it does not depend on where models are tested"
    scores = json.loads(here)
    assert scores["test_windows"] == SUBJECTS * EACH and scores["folds"] == 2
    for found in scores["subjects"].values():
        assert found["windows"] == dict.fromkeys(scores["test_subjects"], EACH)
        assert set(found["accuracy"]["values"]) == set("0123")
    for name, pooled in scores["classification"].items():
        assert len(pooled["accuracy"]["values"]) == 2
        assert pooled["accuracy"]["mean"] == pytest.approx(scores["subjects"][name]["accuracy"]["mean"])
    told = "\n".join(Evaluate(folds, heard).lines(scores))
    assert "2 folds" in told and "lowest" in told

    explained = run(Explain(folds, heard))
    owner = {i: split["best"] for split in said["splits"] for i in map(int, split["test_subjects"])}
    assert {sample["model"] for sample in explained["samples"]} == set(owner.values())
    for sample in explained["samples"]:
        assert sample["model"] == owner[sample["window"] // EACH]
        again = vqtext.load(folder / sample["model"]).explain(study().signal[sample["window"]])[0]
        # which sensor carried a step is no part of `explain`
        assert re.sub(r" by [\w ]+?(?= →| =)", "", sample["text"]) == str(
            again
        )  # which sensor is asked apart


def test_predictions_of_all_folds_are_scored_where_they_belong(
    folds: Settings, heard: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Models that always know: whoever mixes up the folds' windows scores less than 1."""
    label = study().label

    real = tested.predict

    def knows(folder: Path, windows: Windows, split: Any, seed: int, deleting: Any) -> Any:
        right = label[split.test].copy()
        if seed == 1:
            right[windows.subject[split.test] == 2] ^= 1
        said = real(folder, windows, split, seed, deleting)
        return replace(said, label=dict.fromkeys(CLASSIFIERS, right))

    monkeypatch.setattr(tested, "predict", knows)
    run(Evaluate(folds, heard))
    scores = json.loads((folds.cache / "runs/default/evaluate.json").read_text())
    assert scores["classification"]["tokens"]["accuracy"]["values"] == [1.0, 0.75]
    assert scores["subjects"]["tokens"]["accuracy"]["values"] == {"0": 1.0, "1": 1.0, "2": 0.5, "3": 1.0}


def test_a_stopped_training_goes_on_where_it_stopped(
    prepared: Any, heard: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = prepared(study(), folds=2, seeds=[0, 1])
    trained: list[str] = []
    real = train_model.train_model

    def stops(*given: Any) -> None:
        if len(trained) == 3 and not resumed:
            raise KeyboardInterrupt
        trained.append(given[-2])
        real(*given)

    resumed = False
    monkeypatch.setattr(train_model, "train_model", stops)
    with pytest.raises(KeyboardInterrupt):
        run(Train(settings, heard))
    assert not (settings.cache / "runs/default").exists()
    resumed = True
    run(Train(settings, heard))
    assert trained == [f"fold-{fold}/seed-{seed}" for fold in (0, 1) for seed in (0, 1)]
    assert not list((settings.cache / "runs").glob(".default.partial*"))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda split: {"train": split["test"]}, "trained on windows that it tests"),
        (lambda split: {"test": split["train"]}, "trained on windows that it tests"),
        (
            lambda split: {"test": "0-2", "validation": "3-5", "train": "6-17"},
            r"\(0\)",
        ),
        (lambda split: {"test": "a-b"}, "its splits are damaged"),
        (lambda split: {"test": "999"}, "its splits are damaged"),
    ],
)
def test_evaluate_refuses_people_that_were_in_training(
    prepared: Any, heard: Any, change: Any, says: str
) -> None:
    settings = prepared(study(), test_subjects=["3"])
    run(Train(settings, heard))
    path = settings.cache / "runs/default/run.json"
    said = json.loads(path.read_text())
    said["splits"][0] |= change(said["splits"][0])
    path.write_text(json.dumps(said))
    for stage in (Evaluate, Explain):
        with pytest.raises(ArtifactError, match=f"{says}.*vqtext train"):
            run(stage(settings, heard))


def test_a_label_of_test_subjects_only_counts_as_a_mistake(prepared: Any, heard: Any) -> None:
    windows = study()
    windows.labels = [*WORDS, "flying"]
    windows.label[[18, 19]] = 2
    settings = prepared(windows, test_subjects=["3"])
    run(Train(settings, heard))
    said = "label 'flying': only the test windows of subject 3 have it, so no model can learn it"
    assert len([line for line in heard.warned if line.startswith(said)]) == 1
    told = run(Evaluate(settings, heard))
    scores = json.loads((settings.cache / "runs/default/evaluate.json").read_text())
    assert scores["unlearned"] == {"flying": 2} and scores["test_windows"] == EACH
    assert all(s["accuracy"]["mean"] <= 4 / 6 for s in scores["classification"].values())
    assert "2 of 6 test windows" in "\n".join(Evaluate(settings, heard).lines(told))


def test_an_unknown_test_subject_is_an_error_before_training(prepared: Any, heard: Any) -> None:
    settings = prepared(study(), test_subjects=["99"])
    with pytest.raises(UsageError, match=r"'99'.* 0, 1, 2, 3"):
        run(Train(settings, heard))


def test_samples_take_labels_and_folds_in_turn() -> None:
    label = np.array([0, 0, 1, 0, 1, 1])
    fold = np.array([0, 0, 0, 1, 1, 1])
    assert one_of_each(label, 9, fold).tolist() == [0, 2, 3, 4, 1, 5]
    assert one_of_each(label, 2, fold).tolist() == [0, 2]
