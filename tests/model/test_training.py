"""A user would lose: training that learns, repeats, stops when asked and says what is wrong."""

import csv
import dataclasses
import os
import signal as signals

import numpy as np
import pytest
import torch
from toy import config, data, vocabulary, windows

from vqtext.config import TrainSettings
from vqtext.errors import TrainingError
from vqtext.model.decoding import Decoder
from vqtext.model.guidance import Guidance
from vqtext.model.load import VQText
from vqtext.model.training import epochs_for, fit

SETTINGS = TrainSettings(epochs=100, batch_size=8, learning_rate=3e-3)


def train(folder, settings=SETTINGS, toy_data=None, on_epoch=lambda *_: None, **model):
    cfg = config(**model)
    return fit(cfg, toy_data or data(cfg=cfg), settings, 0.5, 0, folder, on_epoch)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    network, scores = train(folder)
    return network, scores, folder


def test_a_short_training_names_what_happens_and_tells_classes_apart(trained):
    network, scores, folder = trained
    assert scores["accuracy"] == 1.0
    model = VQText(network, Decoder(config(), vocabulary()))
    known = data()
    model.decoder.fit(torch.from_numpy(model.tokenize(known.signal).names), known.label, known.frame_keep)
    signal, label, truth = windows(16, seed=1)
    anchor = truth + 2 * label[:, None]
    assert (
        model.tokenize(signal).names.argmax(-1) == anchor
    ).mean() > 0.75  # chance is 0.25, and 0.5 with the class known
    assert model.predict(signal) == [config().labels[i] for i in label]
    assert any(folder.glob("events.out.tfevents*")) and (folder / "metrics.csv").exists()


def test_the_same_seed_gives_the_same_model(trained, tmp_path):
    network, scores, _ = trained
    again, same = train(tmp_path)
    assert same == scores
    for a, b in zip(network.parameters(), again.parameters(), strict=True):
        assert torch.equal(a, b)


def test_independent_channels_and_every_grounding_train(tmp_path):
    for mode in ("nearest", "label", "label+signal", "order+signal"):
        settings = TrainSettings(epochs=1, grounding=mode)
        train(tmp_path / mode, settings, channels="independent")


def test_ctrl_c_stops_training_as_ctrl_c(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path, on_epoch=lambda *_: os.kill(os.getpid(), signals.SIGINT))


def test_a_loss_that_is_not_finite_is_named(tmp_path):
    wild = data()
    wild = dataclasses.replace(wild, signal=wild.signal * 1e30)
    wild.signal[0, 0, 0] = 3e38
    with pytest.raises(TrainingError, match=r"not finite at step 0.*learning_rate"):
        train(tmp_path, toy_data=dataclasses.replace(wild, anchors=wild.anchors * torch.nan))


def test_epochs_follow_the_size_of_the_data():
    assert epochs_for(32, TrainSettings()) > epochs_for(3000, TrainSettings())
    assert epochs_for(32, TrainSettings(epochs=3)) == 3


def test_both_paths_and_their_gap_are_in_the_logs_of_every_epoch(tmp_path):
    """Guided accuracy alone would flatter: the texts hold the label."""
    cfg = dataclasses.replace(config(), token_dim=6)
    toy = data(cfg=cfg)
    texts = np.random.default_rng(0).normal(size=(6, 6)).astype(np.float16)
    count = len(toy.label)
    guidance = Guidance(texts, np.array([0, 3, 6]), [[0], [1]], [-1] * count, [[]] * count)
    toy = dataclasses.replace(toy, guidance=guidance)
    fit(cfg, toy, TrainSettings(epochs=3, batch_size=8), 0.5, 0, tmp_path, lambda *_: None)
    with (tmp_path / "metrics.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["train/class"]]
    assert len(rows) == 3
    for row in rows:
        guided, alone = (float(row[f"train/accuracy_{path}"]) for path in ("guided", "signal_only"))
        assert float(row["train/accuracy_gap"]) == pytest.approx(guided - alone, abs=1e-6)
