"""A user would lose: a run to a check of it, or what a stopped training had done."""

from __future__ import annotations

import json
from pathlib import Path
from typing import get_args

import pytest
import torch
from test_unseen import MORE_WORDS, WORDS, prepared, study  # noqa: F401  a fixture

import vqtext
from vqtext.console.progress import Progress
from vqtext.data.splits.splits import How
from vqtext.errors import TrainingError
from vqtext.model.grounding import e_step
from vqtext.model.grounding.rejected_cells import WrittenCell
from vqtext.model.training import checkpoint
from vqtext.model.training import fit as training
from vqtext.pipeline.codes import codes
from vqtext.pipeline.evaluate import Evaluate
from vqtext.pipeline.stage import run
from vqtext.pipeline.train import Train
from vqtext.pipeline.training.run_record import read_run
from vqtext.pipeline.training.sensor_evidence import SensorEvidence
from vqtext.settings.schema import EvaluateSettings, Settings


def weights(settings):
    return (settings.cache / "runs/default/seed-0/model.safetensors").read_bytes()


class Stopped(BaseException):
    """Leaves the disk as a kill would."""


@pytest.mark.parametrize("how", get_args(How))
def test_every_split_is_told(how, tmp_path):
    """A training of one person's data was done, and ended in KeyError: 'time'."""
    summary = {"folder": "runs/a", "split": how, "splits": [], "validation": {}, "seeds": [0]}
    (line,) = Train(Settings(cache=tmp_path), Progress(quiet=True)).lines(summary)
    assert "split" in line or "folds" in line


@pytest.mark.parametrize(("everyone", "epoch"), [(False, 1), (True, 1)])
def test_a_stopped_training_goes_on_in_the_next_command(
    prepared,  # noqa: F811
    heard,
    monkeypatch,
    everyone,
    epoch,
):
    """Stopped while some people are kept apart, and while all windows train."""
    settings = prepared(study(), test_subjects=["1"], epochs=6)
    scores = run(Train(settings, heard))["validation"]["seed-0"]
    whole, of_all = weights(settings), int(scores["refit_epochs"])
    left = [*range(1, of_all)] if everyone else [*range(1, 6 - of_all), *range(of_all)]

    def stop(self, trainer, module):
        if (trainer.val_dataloaders is None, trainer.current_epoch) == (everyone, epoch):
            raise Stopped

    with monkeypatch.context() as patch:
        patch.setattr(checkpoint.Progress, "on_train_epoch_start", stop, raising=False)
        patch.setattr(checkpoint, "SAVE_EVERY_S", 0.0)
        with pytest.raises(Stopped):
            run(Train(settings, heard), force=True)
    assert weights(settings) == whole  # the old run stands
    (settings.cache / "runs/default/run.json").write_text("{}")
    begun = []
    monkeypatch.setattr(
        checkpoint.Progress,
        "on_train_epoch_start",
        lambda _, trainer, __: begun.append(trainer.current_epoch),
        raising=False,
    )
    run(Train(settings, heard))
    assert "seed-0: going on where it was stopped" in heard.said
    assert weights(settings) == whole and begun == left
    assert not [*Path(settings.cache / "runs").glob(".*partial*")]


def test_who_was_kept_apart_trains_before_the_model_is_kept(prepared, heard, monkeypatch):  # noqa: F811
    """A fifth of the people at hand would be lost to the model; those of the test never train."""
    trained = []
    fit = training.fit

    def spy(config, data, *how):
        network, decoder, scores, names = fit(config, data, *how)
        trained.append((set(data.rows[data.train].tolist()), network, scores))
        return network, decoder, scores, names

    monkeypatch.setattr(training, "fit", spy)
    settings = prepared(study(), test_subjects=["1"], epochs=5)
    answer = run(Train(settings, heard))
    split = answer["splits"][0]["sizes"]
    (some, first, choosing), (every, last, kept) = trained
    assert choosing["epochs"] == 3
    assert kept["epochs"] == answer["validation"]["seed-0"]["refit_epochs"]
    assert kept["epochs"] == 2, "it goes on with them where it was"
    assert len(some) == split["train"]["windows"] and some < every
    assert len(every) == split["train"]["windows"] + split["validation"]["windows"]
    saved = vqtext.load(settings.cache / "runs/default").network.state_dict()
    codes = "trunk.codebook.shape"
    assert torch.equal(saved[codes], last.state_dict()[codes])
    assert not torch.equal(saved[codes], first.state_dict()[codes])
    run(Train(prepared(study(), test_subjects=["1"], refit=False, epochs=5), heard), force=True)
    assert trained[2][0] == some and len(trained) == 3, "unless they are to be kept apart"
    assert trained[2][2]["epochs"] == 5


def levels(*motions: str) -> list[dict]:
    """Steps of the right wrist, "leg up" and others."""
    names = ("leg up", "foot down", "arm out", "arm back")
    return [
        {"phrase": name, "signature": {"right wrist": {"motion": motion}}}
        for name, motion in zip(names, motions, strict=False)
    ]


def test_rounds_that_are_too_fast_are_told_once_and_each_fold_is_held_against_the_truth_by_its_own_steps(
    prepared,  # noqa: F811
    heard,
    monkeypatch,
):
    """A watch of ten samples a second cannot show four steps of a stride of half a second; people of another
    fold may take longer."""
    monkeypatch.setitem(MORE_WORDS, "walking", levels("strong", "moderate", "still", "slight"))
    monkeypatch.setitem(MORE_WORDS, "waving", levels("still", "strong")[::-1])
    read = iter([[0.5, None], [2.0, None]])  # asked once a fold
    monkeypatch.setattr(SensorEvidence, "round_s", lambda self: next(read))
    windows = study()
    windows.truth[:] = 0
    settings = prepared(windows, folds=2, refit=False)
    table = settings.cache / "truth.toml"
    table.write_text('[truth]\n"calm" = ["leg up", "foot down", "arm out", "arm back"]\n')
    run(Train(settings, heard))
    (said,) = [line for line in heard.said if "too fast" in line]
    assert said == (
        "rounds of 'walking' last 0.5 s, too fast at 10 Hz for each of its steps: joined to \"leg up, foot "
        'down", "arm out, arm back"; 16 Hz would separate them'
    )
    folder = settings.cache / "runs/default"
    first, second = (vqtext.load(folder / f"fold-{i}/seed-0").vocabulary for i in (0, 1))
    assert {*first.anchors} == {"foot down", "leg up", "leg up, foot down", "arm out, arm back"}
    assert {*second.anchors} == {"leg up", "foot down", "arm out", "arm back"}
    assert [split["round_s"] for split in read_run(folder)["splits"]] == [[0.5, None], [2.0, None]]
    how = settings.model_copy(update={"evaluate": EvaluateSettings(truth=table)})
    assert run(Evaluate(how, heard))["grounding"]["named_accuracy"]["mean"] > 0.9


def test_what_neither_sensors_nor_rate_tell_apart_is_no_vocabulary(prepared, heard, monkeypatch):  # noqa: F811
    """Hours of training would end in one name for everything."""
    words = levels("still", "still")
    for label in ("walking", "waving"):
        monkeypatch.setitem(MORE_WORDS, label, words)
    with pytest.raises(TrainingError, match=r"\b10 Hz\b"):
        run(Train(prepared(study(), test_subjects=["1"]), heard))
    run(Train(prepared(study(), test_subjects=["1"], resolve=False), heard))


def test_cells_that_the_data_contradict_are_told_and_train_all_the_same(prepared, heard, monkeypatch):  # noqa: F811
    """A number of contradicted words tells nobody which to mend."""
    still = {"phrase": "foot down", "signature": {"right wrist": {"motion": "still"}}}
    monkeypatch.setitem(WORDS, "walking", ["leg up", still])
    monkeypatch.setitem(MORE_WORDS, "walking", ["leg up", still])
    asked = []
    cells = [WrittenCell(0, 1, 0), WrittenCell(1, 0, None)]
    monkeypatch.setattr(e_step, "rejected", lambda evidence, *_: asked.append(len(evidence.label)) or cells)
    settings = prepared(study(), test_subjects=["1"], refit=False)
    run(Train(settings, heard))
    assert not asked, "nothing is left out in training"
    row, *_ = codes(settings, words=True)["words"]
    assert row["phrase"] == "foot down" and row["rejected"]
    sizes = read_run(settings.cache / "runs/default")["splits"][0]["sizes"]
    assert asked == [sizes["train"]["windows"]], "of windows that trained alone"


def test_a_check_by_heart_touches_no_run(prepared, heard):  # noqa: F811
    settings = prepared(study(), test_subjects=["1"], epochs=150, learning_rate=3e-3, overfit=1)
    answer = run(Train(settings, heard))
    assert answer["run"] == "default-overfit" and not (settings.cache / "runs/default").exists()
    scores = answer["validation"]["seed-0"]
    assert scores["last_loss"] < scores["first_loss"] / 2
    assert set(scores) == {"first_loss", "last_loss", "epoch", "epochs"}, "nobody was kept apart"
    assert any("memorised" in line for line in Train(settings, heard).lines(answer))


def test_a_check_that_is_not_passed_fails(prepared, heard):  # noqa: F811
    settings = prepared(study(), test_subjects=["1"], epochs=2, learning_rate=1e-9, overfit=1)
    with pytest.raises(TrainingError, match=r"seed-0.*\b2 epochs"):
        run(Train(settings, heard))


def test_where_it_runs_is_not_what_it_is(prepared, heard):  # noqa: F811
    settings = prepared(study(), test_subjects=["1"])
    recipes = {}
    for name, value in {
        "devices": 2,
        "workers": 3,
        "accelerator": "gpu",
        "preset": "small",
        "precision": "bf16-mixed",
        "accumulate": 2,
    }.items():
        other = settings.model_copy(update={"train": settings.train.model_copy(update={name: value})})
        recipes[name] = Train(other, heard).recipe() == Train(settings, heard).recipe()
    assert json.dumps(recipes) == json.dumps(
        {
            "devices": True,
            "workers": True,
            "accelerator": True,
            "preset": True,
            "precision": False,
            "accumulate": False,
        }
    )
