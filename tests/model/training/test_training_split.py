"""A user would lose: the same training on two devices as on one, and an end to it when something fails."""

from __future__ import annotations

import dataclasses
import os
import signal
import time
from multiprocessing import active_children, get_context, resource_tracker
from pathlib import Path

import numpy as np
import pytest
import torch
from test_lightning_alone import CLUSTERS
from toy import config, data

from vqtext.errors import TrainingError
from vqtext.model.guidance.text_tokens import Guidance
from vqtext.model.training.dataset import SeededSampler
from vqtext.model.training.ddp import no_process_stays, start_tracker
from vqtext.model.training.fit import fit
from vqtext.settings.schema import TrainSettings

SETTINGS = TrainSettings(
    epochs=4, batch_size=4, accelerator="cpu", augment=False, learning_rate=3e-3, grounding="label"
)
SIZES = {"dropout": 0.0, "mask": 0.0, "codes": 64}  # so many that some are dead and moved


# of these there is no gradient but rounding, which Adam enlarges: a bias that scaling takes away, and of keys
UNTAUGHT, KEYS = "shape_decoder.out.bias", ("in_proj_bias", "qkv.bias")


def train(folder, devices, toy_data=None, **sizes):
    cfg = config(**SIZES, **sizes)
    cfg = dataclasses.replace(cfg, token_dim=5, fusion="bidirectional")  # windows are compared
    settings = SETTINGS.model_copy(update={"devices": devices})
    progress = []
    network, decoder, scores, _ = fit(
        cfg, toy_data or uneven(cfg), settings, 0.3, 0, folder, lambda *w: progress.append(w)
    )
    return torch.nn.ModuleDict({"network": network, "decoder": decoder}), scores, progress


def uneven(cfg):
    """Windows of which some are short and some have gaps: no two processes have as many tokens or samples."""
    known = data(cfg=cfg)
    known.signal[::3, :, 50:] = float("nan")
    known.frame_keep[::3, 50:] = False
    known.signal[1::3, 0, :30] = float("nan")
    return dataclasses.replace(known, guidance=texts(np.random.default_rng(0).normal(size=(24, 5))))


def texts(tokens):
    """A text of one token for each of 24 windows."""
    return Guidance(tokens.astype(np.float16), np.arange(25), [[], []], [*range(24)], [[]] * 24)


@pytest.mark.parametrize("channels", ["joint", "independent"])
def test_two_processes_train_as_one_does(channels, tmp_path, monkeypatch):
    """20 steps, dropout, masks and augmentation off. A task of torchrun's may do it."""
    one, one_scores, _ = train(tmp_path / "one", 1, channels=channels)
    for name, value in CLUSTERS["torchrun"].items():
        monkeypatch.setenv(name, value)
    two, two_scores, progress = train(tmp_path / "two", 2, channels=channels)
    for (name, a), b in zip(one.state_dict().items(), two.state_dict().values(), strict=True):
        if name.endswith(UNTAUGHT):
            continue
        if name.endswith(KEYS):
            a, b = (torch.cat([part[: len(a) // 3], part[-len(a) // 3 :]]) for part in (a, b))
        assert torch.allclose(a.float(), b.float(), atol=1e-4), (name, (a - b).abs().max())
    assert two_scores == pytest.approx(one_scores, abs=1e-4)
    assert progress[-1][0] == 20  # the first process's progress arrives here
    assert (tmp_path / "two/metrics.csv").exists()


def test_an_error_in_one_process_ends_all_and_says_where(tmp_path):
    known = data(cfg=config(**SIZES))
    tokens = np.zeros((24, 5))
    tokens[5] = np.nan
    wild = dataclasses.replace(known, guidance=texts(tokens), name_of="recording {}".format)
    with pytest.raises(TrainingError, match=r"recording 5\b"):
        train(tmp_path, 2, wild)


def test_a_signal_between_the_starts_of_two_processes_ends_the_first():
    """It would wait for the other for ever, and the command for it."""
    mine = get_context("spawn").Process(target=time.sleep, args=(60,))
    with pytest.raises(SystemExit), no_process_stays():
        mine.start()
        raise SystemExit
    mine.join(30)
    assert mine.exitcode == -signal.SIGKILL and mine not in active_children()


class _Slow:
    """Takes its time to be read."""

    def __reduce__(self):
        return time.sleep, (0.3,)


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="only Linux tells")
def test_nor_does_one_stay_that_is_being_told_what_to_do(capfd):
    """It would print a traceback below the one line that says what happened."""

    def stop(*_):
        raise SystemExit

    before = signal.signal(signal.SIGALRM, stop)
    try:
        with pytest.raises(SystemExit), no_process_stays():
            signal.setitimer(signal.ITIMER_REAL, 0.2)
            get_context("spawn").Process(target=print, args=(_Slow(), bytes(2**20))).start()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    time.sleep(0.5)
    assert capfd.readouterr().err == ""


@pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="signals of POSIX")
def test_a_warning_to_all_of_a_job_does_not_end_the_tracker(monkeypatch):
    """Its tracebacks would stand below the one line that says what happened."""
    monkeypatch.setattr(
        resource_tracker, "ensure_running", (tracker := resource_tracker.ResourceTracker()).ensure_running
    )
    start_tracker()
    os.kill(tracker._pid, signal.SIGUSR1)
    time.sleep(0.1)
    assert tracker._check_alive()
    tracker._stop()


def test_a_batch_is_shared_in_order_and_equally(monkeypatch):
    whole = list(SeededSampler(11, 4, seed=0, shuffle=True))
    monkeypatch.setattr("vqtext.model.training.dataset.world_size", lambda: 2)
    parts = []
    for rank in (0, 1):
        monkeypatch.setattr("vqtext.model.training.dataset.rank", lambda rank=rank: rank)
        parts.append(list(SeededSampler(11, 2, seed=0, shuffle=True)))
    assert [len(part) for part in parts] == [6, 6] == [len(SeededSampler(11, 2, 0, True))] * 2
    first, second = parts
    batches = [first[i : i + 2] + second[i : i + 2] for i in range(0, 6, 2)]
    assert batches[:2] == [whole[:4], whole[4:8]]
    assert batches[2] == [*whole[8:], whole[0]]  # filled up from the first
