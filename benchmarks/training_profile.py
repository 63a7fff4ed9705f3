"""Where a training's time goes: what comes before the first step, and the parts of a step.

    python benchmarks/training_profile.py CACHE [--test-subjects 7,8] [--steps 20]

CACHE was filled by `vqtext dedup`. Seconds of CPU of one thread, so that other work on the machine disturbs
little.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from vqtext.data.splits.folds import splits_for
from vqtext.model.decoding.decoder import Decoder
from vqtext.model.grounding import base as grounding
from vqtext.model.network.frame_names import frame_states
from vqtext.model.network.network import Network
from vqtext.model.training.dataset import loader
from vqtext.model.training.losses import WEIGHTS, losses
from vqtext.pipeline.artifacts import read_windows
from vqtext.pipeline.training.assemble import training_data
from vqtext.settings.schema import Settings, TrainSettings

SPENT: Counter[str] = Counter()
"""Seconds by part."""


@contextmanager
def part(name: str) -> Iterator[None]:
    """Time what is done inside."""
    start = time.process_time()
    yield
    SPENT[name] += time.process_time() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cache", type=Path)
    parser.add_argument("--test-subjects", default="7,8")
    parser.add_argument("--steps", type=int, default=20)
    args = parser.parse_args()
    torch.set_num_threads(1)
    train = TrainSettings(test_subjects=args.test_subjects.split(","))
    settings = Settings(cache=args.cache, train=train)
    windows = read_windows(args.cache / "windows.h5")
    with part("signals measured, words read, steps that never happen"):
        config, data = training_data(windows, splits_for(windows, train)[0], settings)
    evidence = data.evidence.of(data.train.numpy())
    with part("E-step"):
        names = grounding.make(train.grounding, data.grammar, evidence)
    table("before the first step", 1)

    network, decoder = Network(config, data.anchors, data.grammar.of_state), Decoder(config, data.vocabulary)
    assert names.posterior is not None
    decoder.learn(names.posterior.chain, names.posterior.states, evidence.label)
    batches = data.part(data.train, settings.guidance.drop)
    network.normalise.fit(block.signal for block in batches.blocks())
    optimizer = torch.optim.AdamW([*network.parameters(), *decoder.parameters()], fused=True)
    for number, batch in enumerate(loader(batches, train.batch_size, 0, shuffle=True, workers=0), -2):
        if number == 0:  # what is done once is over
            SPENT.clear()
        if number == args.steps:
            break
        step(batch, network, decoder, names, data, optimizer)
    # the losses hold the chain: it was run once more by itself
    SPENT["other losses, forward"] -= SPENT["the chain of steps, forward"]
    SPENT["network and other losses, backward"] -= SPENT["the chain of steps, backward"]
    table(f"a step of {train.batch_size} windows", args.steps)


def step(
    batch: Any, network: Network, decoder: Decoder, names: Any, data: Any, optimizer: torch.optim.Optimizer
) -> None:
    """One step as `TrainingModule` makes it."""
    place, signal, label, keep, text, mask = batch
    optimizer.zero_grad()
    with part("network, forward"):
        out = network(signal, text, mask)
        states = frame_states(out, keep.shape[1])
    with part("targets"):
        target = names.targets(place, label, states.detach())
    with part("the chain of steps, forward"):
        alone = states.detach().requires_grad_()
        found = decoder.steps(alone, keep)
    with part("the chain of steps, backward"):
        found[:, 0].sum().backward()
    with part("other losses, forward"):
        terms = losses(out, states, label, target, keep, data.label_vectors, decoder)
        total = torch.stack([WEIGHTS[name] * value for name, value in terms.items()]).sum()
    with part("network and other losses, backward"):
        total.backward()
    with part("optimizer"):
        optimizer.step()


def table(what: str, times: int) -> None:
    """Print and forget what was timed."""
    total = sum(SPENT.values())
    print(f"{what}: {1000 * total / times:.0f} ms")
    for name, seconds in SPENT.most_common():
        print(f"  {seconds / total:6.1%}  {name}")
    SPENT.clear()


if __name__ == "__main__":
    main()
