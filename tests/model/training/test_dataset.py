"""A user would lose: the same numbers with and without workers, and the windows that the labels belong to."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from toy import data

from vqtext.model.guidance.text_tokens import Guidance
from vqtext.model.network.encoder import Normaliser
from vqtext.model.training.dataset import WindowBatches, loader


@pytest.fixture
def guided():
    known = data(24)
    tokens = np.random.default_rng(0).normal(size=(12, 5)).astype(np.float16)
    texts = Guidance(tokens, np.arange(0, 13, 3), [[0, 1], [2]], [3] * 24, [[]] * 24)
    return type(known)(**{**vars(known), "guidance": texts})


def epochs(part, workers, count=2):
    batches = loader(part, 5, seed=3, shuffle=True, workers=workers)
    for epoch in range(count):
        batches.sampler.set_epoch(epoch)
        yield [*batches]


def test_workers_change_nothing(guided):
    part = guided.part(guided.train, drop=0.5)
    alone, helped = ([*epochs(part, workers)] for workers in (0, 2))
    for one, other in zip(alone[0] + alone[1], helped[0] + helped[1], strict=True):
        for a, b in zip(one, other, strict=True):
            assert torch.equal(a.nan_to_num(), b.nan_to_num())


def test_each_epoch_sees_every_window_once_in_another_order(guided):
    first, second = epochs(guided.part(guided.train, drop=0.5), 0)
    orders = [torch.cat([batch.place for batch in batches]).tolist() for batches in (first, second)]
    assert sorted(orders[0]) == sorted(orders[1]) == list(range(20)) and orders[0] != orders[1]


def test_a_batch_holds_what_belongs_together(guided):
    part = guided.part(guided.validation)
    (batch,) = epochs(part, 0, 1).__next__()
    windows = guided.validation[batch.place]
    assert torch.equal(batch.signal, torch.from_numpy(guided.signal[windows.numpy()]))
    assert torch.equal(batch.label, guided.label[windows]) and batch.text is None


def test_statistics_of_blocks_are_those_of_the_whole():
    signal = 1000 + torch.from_numpy(data(24).signal)
    signal[3, 0, 5:9] = torch.nan
    signal[:6, 1] = torch.nan
    whole, parts = Normaliser(2), Normaliser(2)
    whole.fit([signal])
    parts.fit(signal.split(5))
    seen = signal[:, 1][~signal[:, 1].isnan()].double()
    assert torch.allclose(whole.mean, parts.mean) and torch.allclose(whole.std, parts.std, rtol=1e-6)
    assert abs(float(parts.mean[1] - seen.mean())) < 1e-4
    assert abs(float(parts.std[1] - seen.std(correction=0))) < 1e-4


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="threads are counted where Linux lists them")
def test_reading_ahead_takes_no_cores_from_the_network():
    """Else training is slower by half from the first look at the validation windows on, on two cores."""
    count, frames = 512, 400  # large enough that torch would share the work out
    label, keep, every = torch.zeros(count).long(), torch.ones(count, frames).bool(), torch.arange(count)
    part = WindowBatches(np.zeros((count, 1, 4), np.float32), every.numpy(), label, keep, every)
    threads = torch.get_num_threads()
    torch.set_num_threads(4)
    try:
        before = len([*Path("/proc/self/task").iterdir()])
        reading = iter(loader(part, 256, seed=0, shuffle=True, workers=0))
        next(reading), next(reading)
        assert len([*Path("/proc/self/task").iterdir()]) <= before + 1  # the thread that reads
    finally:
        torch.set_num_threads(threads)
