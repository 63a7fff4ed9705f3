"""A user would lose: hours of training to a kill, or the trust that a run which went on is the run it was."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from toy import config, data

from vqtext.model.training import checkpoint as keeping
from vqtext.model.training.fit import fit
from vqtext.settings.schema import TrainSettings

SETTINGS = TrainSettings(epochs=3, batch_size=3, accumulate=2, learning_rate=3e-3, grounding="label")
TRAIN = """
import os, signal, sys, threading, time
sys.path[:0] = sys.argv[2:]
from pathlib import Path
from test_training_resume import keeping, train
keeping.SAVE_EVERY_S = 0.0
def tell(done, total, numbers):
    print(done, flush=True)
    time.sleep(0.02)
train(Path(sys.argv[1]), tell)
"""


def train(folder, tell=lambda *_: None, settings=SETTINGS):
    keeping.TELL_EVERY_S = 0.0
    network, decoder, scores, _ = fit(config(), data(), settings, 0.5, 0, folder, tell)
    return torch.nn.ModuleDict({"network": network, "decoder": decoder}), scores


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    return *train(folder), (folder / "metrics.csv").read_text()


def same(one, other):
    return all(torch.equal(a, b) for a, b in zip(one.values(), other.values(), strict=True))


class Stopped(BaseException):
    """Raised out of the middle of a training, which leaves the disk as a kill would."""


@pytest.mark.parametrize(
    "step", [1, 5, 8, 11], ids=["first step", "in an epoch", "at its end", "near the end"]
)
def test_training_goes_on_where_it_was_stopped(uninterrupted, tmp_path, step, monkeypatch):
    network, scores, metrics = uninterrupted
    monkeypatch.setattr(keeping, "SAVE_EVERY_S", 0.0)  # each step is kept

    def stop(done, *_):
        if done >= step:
            raise Stopped

    with pytest.raises(Stopped):
        train(tmp_path, stop)
    monkeypatch.undo()
    progress = []
    again, same_scores = train(tmp_path, lambda done, *_: progress.append(done))
    assert step - 1 <= progress[0] <= step + 1  # not from the beginning
    assert same_scores == scores and same(again.state_dict(), network.state_dict())
    assert (tmp_path / "metrics.csv").read_text() == metrics


def test_a_killed_process_loses_nothing(uninterrupted, tmp_path):
    network, scores, _ = uninterrupted
    for lines in (4, 6):  # killed twice
        code = [
            sys.executable,
            "-c",
            TRAIN,
            str(tmp_path),
            str(Path(__file__).parents[2]),
            str(Path(__file__).parent),
        ]
        process = subprocess.Popen(code, stdout=subprocess.PIPE, text=True, env={**os.environ})
        for _ in range(lines):
            process.stdout.readline()
        process.kill()
        assert process.wait() == -9
        process.stdout.close()
    again, same_scores = train(tmp_path)
    assert same_scores == scores and same(again.state_dict(), network.state_dict())


def test_a_finished_training_that_is_called_again_gives_its_model(uninterrupted, tmp_path):
    network, scores, _ = uninterrupted
    train(tmp_path)
    progress = []
    again, same_scores = train(tmp_path, lambda *words: progress.append(words))
    assert progress == [] and same_scores == scores and same(again.state_dict(), network.state_dict())


@pytest.mark.parametrize("broken", [b"", b"no checkpoint", None])
def test_a_checkpoint_that_cannot_be_read_begins_anew(uninterrupted, tmp_path, broken):
    network, _, _ = uninterrupted
    last = tmp_path / "checkpoints" / keeping.LAST
    last.parent.mkdir()
    if broken is None:
        torch.save({"other": 1}, last)
    else:
        last.write_bytes(broken)
    assert same(train(tmp_path)[0].state_dict(), network.state_dict())


def test_a_training_that_stopped_while_it_wrote_its_last_numbers_writes_them_again(
    uninterrupted, tmp_path, monkeypatch
):
    """It was over by its checkpoint, and half a metrics.csv went into the run."""
    network, _, metrics = uninterrupted
    write = keeping.Checkpoints._write_rows

    def stop(self):
        write(self)
        if len(self.rows) == SETTINGS.epochs:
            (tmp_path / "metrics.csv").write_text("")
            raise Stopped

    with monkeypatch.context() as patch, pytest.raises(Stopped):
        patch.setattr(keeping.Checkpoints, "_write_rows", stop)
        train(tmp_path)
    assert same(train(tmp_path)[0].state_dict(), network.state_dict())
    assert (tmp_path / "metrics.csv").read_text() == metrics
