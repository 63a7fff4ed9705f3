"""A user would lose: training that learns, repeats, stops when asked and says what is wrong."""

import copy
import csv
import dataclasses
import os
import signal as signals

import numpy as np
import pytest
import torch
from toy import config, data, vocabulary, windows

from vqtext.errors import TrainingError
from vqtext.model.decoding.decoder import Decoder
from vqtext.model.guidance.text_tokens import Guidance
from vqtext.model.load import VQText
from vqtext.model.network.network import Network
from vqtext.model.training.fit import epochs_for, fit
from vqtext.settings.schema import TrainSettings

SETTINGS = TrainSettings(epochs=100, batch_size=8, learning_rate=3e-3)


def train(folder, settings=SETTINGS, toy_data=None, on_epoch=lambda *_: None, **model):
    cfg = config(**model)
    network, _, scores, _ = fit(cfg, toy_data or data(cfg=cfg), settings, 0.5, 0, folder, on_epoch)
    return network, scores


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    network, decoder, scores, _ = fit(config(), data(), SETTINGS, 0.5, 0, folder, lambda *_: None)
    return network, decoder, scores, folder


@pytest.fixture
def model(trained):
    network, decoder, *_ = trained
    return VQText(copy.deepcopy(network), copy.deepcopy(decoder))


def right(model):
    """Shares of new windows, and of their frames, whose class and whose decoded name are the true ones."""
    signal, label, truth = windows(16, seed=1)
    decoded = model.decode(signal)
    return (decoded.label == label).mean(), (decoded.anchor == truth + 2 * label[:, None]).mean()


def test_a_short_training_names_what_happens_and_tells_classes_apart(trained, model):
    _, _, scores, folder = trained
    assert scores["accuracy"] == 1.0
    classes, names = right(model)
    assert classes == 1.0 and names > 0.75  # chance is 0.25, and 0.5 with the class known
    signal, label, truth = windows(16, seed=1)
    assert (model.tokenize(signal).names.argmax(-1) == truth + 2 * label[:, None]).mean() > 0.75
    assert any(folder.glob("events.out.tfevents*")) and (folder / "metrics.csv").exists()


def test_the_decoder_is_trained_beside_the_network(trained):
    _, decoder, *_ = trained
    untrained = Decoder(config(), vocabulary())
    assert decoder.log_scale != untrained.log_scale, "what a frame counts is learned"
    frames = decoder.substates / (1 - decoder.stay)
    assert (frames * decoder.frame_s - 0.5).abs().max() < 0.1, "steps last what the E-step found"
    assert (decoder.class_prior == 0.5).all()


def dealt_anew(model):
    """`right` on average over codes that are called what other codes were called."""
    action, found = model.network.trunk.action, []
    own = action.detach().clone()
    for seed in range(10):
        order = torch.randperm(len(own), generator=torch.Generator().manual_seed(seed))
        with torch.no_grad():
            action.copy_(own[order])
        found.append(right(model))
    return np.mean(found, 0)


def test_codes_dealt_anew_take_class_and_names_with_them(model):
    """What codes are called says what happens, and therefore what it is; two classes and four names."""
    with torch.no_grad():  # codes by themselves, without what their neighbours correct
        for weight in model.network.correct.parameters():
            weight.zero_()
    classes, names = right(model)
    assert classes > 0.9 and names > 0.65
    classes, names = dealt_anew(model)
    assert classes < 0.65 and names < 0.4


def test_the_same_seed_gives_the_same_model(trained, tmp_path):
    network, _, scores, _ = trained
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
    with pytest.raises(TrainingError, match="step 0"):
        train(tmp_path, toy_data=dataclasses.replace(wild, anchors=wild.anchors * torch.nan))


def test_the_windows_of_a_loss_that_is_not_finite_are_named(tmp_path):
    """One window is told of in text that is no number."""
    known = data()
    tokens = np.stack([np.zeros(5), np.full(5, np.nan)]).astype(np.float16)
    texts = Guidance(tokens, np.arange(3), [[], []], [0] * 5 + [1] + [0] * 18, [[]] * 24)
    guided = dataclasses.replace(known, guidance=texts, name_of="recording {}".format)
    cfg = dataclasses.replace(config(), token_dim=5)
    with pytest.raises(TrainingError, match=r"recording 5\b"):
        fit(cfg, guided, SETTINGS, 0.0, 0, tmp_path, lambda *_: None)


def test_all_windows_of_a_batch_are_named_where_no_one_is_to_blame(tmp_path):
    wild = dataclasses.replace(data(), anchors=data().anchors * torch.nan)
    with pytest.raises(TrainingError, match=r"(window \d+\D+){5}3 more"):
        train(tmp_path, toy_data=wild)


@pytest.mark.parametrize("batch_size", [1, 19], ids=["each", "the last"])
def test_a_batch_may_be_one_window(tmp_path, batch_size):
    train(tmp_path, TrainSettings(epochs=1, batch_size=batch_size))


def test_batches_in_which_nobody_moves_stop_nothing(tmp_path):
    """Who stands still for a whole window in a batch of such, or in all of validation, ended a training."""
    known = data()
    known.signal[known.label.numpy() == 0] = 3.0
    scores = train(tmp_path, TrainSettings(epochs=2, batch_size=1), toy_data=known)[1]
    assert np.isfinite(list(scores.values())).all()
    known.signal[known.validation.numpy()] = 3.0
    scores = train(tmp_path / "still", TrainSettings(epochs=2, batch_size=4), toy_data=known)[1]
    assert np.isfinite(list(scores.values())).all()


def test_a_window_too_short_for_a_token_stops_nothing(tmp_path):
    cfg = config(tokens=4)
    short = data(cfg=cfg)
    short.signal[3, :, 2:] = np.nan
    short.frame_keep[3, 1:] = False
    settings = TrainSettings(epochs=4, batch_size=1)
    network, *_ = fit(cfg, short, settings, 0.5, 0, tmp_path, lambda *_: None)
    assert network.trunk.codebook.usage.isfinite().all()


def test_signals_that_never_change_are_refused(tmp_path):
    flat = data()
    flat.signal[:] = 3.0
    flat.signal[2, 0, :9] = np.nan
    with pytest.raises(TrainingError):
        train(tmp_path, toy_data=flat)
    flat.signal[:, 1, ::2] = 5.0  # of variance 1, as scaled data
    train(tmp_path, TrainSettings(epochs=1), toy_data=flat)


def test_windows_shorter_than_a_patch_are_refused(tmp_path):
    short = data()
    short = dataclasses.replace(short, signal=short.signal[:, :, :1])
    cfg = dataclasses.replace(config(), steps=1)
    with pytest.raises(TrainingError, match="--window-s"):
        fit(cfg, short, SETTINGS, 0.5, 0, tmp_path, lambda *_: None)


def short_of_memory(*_, **__):
    raise RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory")


@pytest.mark.parametrize(
    ("batch_size", "dim", "way_out"),
    [
        (8, 16, "lower train.batch_size to 4 and set train.accumulate to 2"),
        (1, 64, "lower model.dim to 32"),
        (1, 16, "set model.tokens to 8"),
    ],
)
def test_too_little_memory_says_what_to_lower(tmp_path, monkeypatch, batch_size, dim, way_out):
    monkeypatch.setattr(Network, "forward", short_of_memory)
    with pytest.raises(TrainingError, match=rf"batch_size {batch_size}\b.*{way_out}"):
        train(tmp_path, TrainSettings(epochs=1, batch_size=batch_size), dim=dim)


@pytest.mark.parametrize("how", [{"accelerator": "magic"}, {"accelerator": "tpu"}])
def test_a_device_that_is_not_there_is_one_line(tmp_path, how):
    with pytest.raises(TrainingError, match=r"(magic|tpu)[^\n]*$"):
        train(tmp_path, TrainSettings(epochs=1, **how))


def test_half_precision_trains(tmp_path):
    network, _ = train(tmp_path, TrainSettings(epochs=1, accelerator="cpu", precision="bf16-mixed"))
    assert {weight.dtype for weight in network.parameters()} == {torch.float32}


def test_patience_ends_a_training_that_gets_no_better(tmp_path):
    settings = TrainSettings(epochs=30, patience=2, learning_rate=1e-12)
    progress = []
    _, scores = train(tmp_path, settings, on_epoch=lambda *words: progress.append(words))
    assert progress[-1][0] < 0.9 * progress[-1][1] and scores["epoch"] < 25


def test_a_few_batches_are_learnt_by_heart(tmp_path):
    _, scores = train(tmp_path, TrainSettings(epochs=60, overfit=1, batch_size=4, learning_rate=3e-3))
    assert scores["last_loss"] < 0.5 * scores["first_loss"] and "nll" not in scores


def test_progress_has_losses_with_names(tmp_path, monkeypatch):
    monkeypatch.setattr("vqtext.model.training.checkpoint.TELL_EVERY_S", 0.0)
    progress = []
    train(tmp_path, TrainSettings(epochs=2, batch_size=8), on_epoch=lambda *words: progress.append(words))
    assert {total for _, total, _ in progress} == {6} and progress[-1][0] == 6
    assert list(progress[0][2]) == ["class", "name", "rebuild"]
    assert (tmp_path / "metrics.csv").read_text().startswith("epoch,step,train/accuracy,")


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


def compiled_by(monkeypatch, backend):
    """torch's own compiler up to its last stage, which takes minutes: what it traces is run as it is."""
    real = torch.compile
    monkeypatch.setattr(torch, "compile", lambda run: real(run, backend=backend, fullgraph=True))


def test_a_compiled_network_is_one_graph_and_learns_the_same(monkeypatch, tmp_path):
    few = TrainSettings(epochs=1)
    plain, scores = train(tmp_path / "plain", few)
    compiled_by(monkeypatch, "eager")
    compiled, same = train(tmp_path / "compiled", few.model_copy(update={"compile": True}))
    assert same == pytest.approx(scores, rel=1e-4)
    for a, b in zip(plain.parameters(), compiled.parameters(), strict=True):
        assert torch.allclose(a, b, atol=1e-4)


def test_a_compiler_that_fails_is_told_in_one_line(monkeypatch, tmp_path):
    def broken(graph, inputs):
        raise RuntimeError("no C++ compiler")

    compiled_by(monkeypatch, broken)
    with pytest.raises(TrainingError, match="--compile"):
        train(tmp_path, TrainSettings(epochs=1, compile=True))
