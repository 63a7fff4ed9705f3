"""Is the place that carried a step the one that matters, and does what is drawn anew change the class?

    [VQTEXT_DATA=FOLDER] python benchmarks/highlight.py [--data planted,dsads] [--cache FOLDER] [--run NAME]
                                                        [--windows 60] [--only highlight|redrawn]

Trains one seed, tested on three of twelve simulated people, or on DSADS's subjects 7 and 8; with ``--cache``
of one data set and ``--run`` a run that is there is asked. For at most four steps of each test window: how
far the posterior of the step falls, given its class, when one place is deleted for as long as it lasts: the
place that `VQText.highlight` names, the one that captum's integrated gradients name for the same
log-likelihood ratio, any place in the same stretch, any place in another stretch as long. Deleted is in
three ways: the mean, by which places are named; a straight line; the same place of another window. Then how
often the stretch of `VQText.redraw` makes the window one of the likeliest other class, how long it is, and
how often the same stretch with steps of any other class does.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from stages import WORDS, stages
from torch import Tensor

from vqtext import load
from vqtext.data.windows.windows import Windows
from vqtext.model.decoding.decoder import UNKNOWN
from vqtext.model.decoding.highlight import evidence, places
from vqtext.model.decoding.inputs import blocks, frames_seen
from vqtext.model.decoding.redraw import drawings, drawn_into, redraw
from vqtext.model.hsmm import semi_markov
from vqtext.model.load import VQText
from vqtext.model.network.frame_names import frame_states
from vqtext.pipeline.artifacts import read_windows
from vqtext.pipeline.explaining.why_not import other_class
from vqtext.pipeline.training.run_record import folds_of, read_run
from vqtext.reason import UNKNOWN_NAME, Reason, Step
from vqtext.settings.schema import DataSettings, Settings, TrainSettings

TEST = {"planted": ["3", "7", "11"], "dsads": ["7", "8"]}
WAYS = ("mean", "line", "other window")
STEPS = 4  # of a window
DRAWS = 3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", default="planted,dsads")
    parser.add_argument("--cache", type=Path)
    parser.add_argument("--run", default="default")
    parser.add_argument("--windows", type=int, default=60)
    parser.add_argument("--only", choices=("highlight", "redrawn"))
    args = parser.parse_args()
    for name in args.data.split(","):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(os.environ["VQTEXT_DATA"]) / name if name != "planted" else None
            settings = Settings(
                cache=args.cache or Path(folder),
                data=DataSettings(name=name, path=path),
                train=TrainSettings(run=args.run, test_subjects=TEST[name]),
            )
            if not settings.run_folder.exists():
                stages(settings, (*WORDS, "train"))
            record = read_run(settings.run_folder)
            windows = read_windows(settings.cache / "windows.h5")
            fold = folds_of(settings.run_folder, record, windows)[0]
            model = load(settings.run_folder / fold.best)
            rng = np.random.default_rng(0)
            test = rng.choice(fold.split.test, min(args.windows, len(fold.split.test)), replace=False)
            print(f"\n# {name}: {len(test)} test windows", flush=True)
            if args.only != "redrawn":
                carried(model, windows, test, rng)
            if args.only != "highlight":
                redrawn(model, windows, fold.split.learn, test, rng)


def carried(model: VQText, windows: Windows, test: np.ndarray, rng: np.random.Generator) -> None:
    """Print what deleting the place costs that is named, and what others cost."""
    groups, config = list(places(model.config.channels).values()), model.config
    names, costs, told, seconds = list(places(config.channels)), [], [], [0.0, 0.0]
    for row in test:
        signal = windows.signal[int(row)]
        start = time.process_time()
        (reason,) = model.explain(signal)
        seconds[0] += time.process_time() - start
        start = time.process_time()
        reason = model.highlight(signal, reason)
        seconds[1] += time.process_time() - start
        steps = [s for s in reason.steps if s.name != UNKNOWN_NAME and s.places]
        for i in rng.permutation(len(steps))[:STEPS]:
            step = steps[i]
            begin, end = (round(s * config.rate_hz) for s in (step.start_s, step.end_s))
            if end - begin >= config.steps:
                continue
            own = names.index(step.places[0].location)
            theirs = _captum(model, signal, step, groups)
            fall = _falls(model, windows, signal, reason, step, groups, (begin, end), rng)
            costs.append([[f[own], f[theirs], f.mean(), fall[-1].mean()] for f in fall[:-1]])
            told.append(step.carried is not None)
    cost, clear = np.array(costs), np.array(told)  # (steps, ways, 4)
    for what, rows in (("all steps", cost), ("told in text", cost[clear])):
        print(f"{what}: {len(rows)}")
        for way, (ours, captum, same, elsewhere) in zip(WAYS, rows.mean(0), strict=True):
            print(
                f"  by {way}: named place {ours:.3f}, captum's {captum:.3f}, any place in the stretch "
                f"{same:.3f} (×{ours / same:.1f}), in another stretch {elsewhere:.4f} "
                f"(×{ours / elsewhere:.0f})"
            )
    print(f"seconds a window: explain {seconds[0] / len(test):.3f}, highlight {seconds[1] / len(test):.3f}")


def _falls(
    model: VQText,
    windows: Windows,
    signal: np.ndarray,
    reason: Reason,
    step: Step,
    groups: list[list[int]],
    span: tuple[int, int],
    rng: np.random.Generator,
) -> np.ndarray:
    """How far the posterior of a step falls by each way and place, ``(ways + 1, L)``; the last row: by the
    mean, at another stretch."""
    begin, end = span
    at = int(rng.integers(signal.shape[1] - (end - begin) + 1))
    other = windows.signal[int(rng.integers(windows.n))]
    where = [(way, begin) for way in WAYS] + [("mean", at)]
    changed = [
        _deleted(signal, group, first, first + end - begin, way, other)
        for way, first in where
        for group in groups
    ]
    sure = _posterior(model, torch.from_numpy(np.stack([signal, *changed])), reason, step)
    return (sure[0] - sure[1:]).reshape(len(where), len(groups))


def _deleted(
    signal: np.ndarray, group: list[int], begin: int, end: int, way: str, other: np.ndarray
) -> np.ndarray:
    out = signal.copy()
    if way == "mean":
        out[group, begin:end] = np.nanmean(signal[group], 1, keepdims=True)
    elif way == "line":
        first, last = signal[group, max(begin - 1, 0)], signal[group, min(end, signal.shape[1] - 1)]
        out[group, begin:end] = np.linspace(first, last, end - begin, axis=1)
    else:
        out[group, begin:end] = other[group, begin:end]
    return out


@torch.no_grad()
def _posterior(model: VQText, rows: Tensor, reason: Reason, step: Step) -> np.ndarray:
    """Mean posterior of a step over its time, given its class, ``(B,)``."""
    config, decoder = model.config, model.decoder
    states = frame_states(model.network.read(rows), config.frames)
    emission = decoder.path_weight() * decoder.emission(states, frames_seen(rows, config))
    label = torch.full((len(rows),), config.labels.index(reason.label))
    share = semi_markov.posterior(emission, decoder.chain(), label)
    anchor = torch.nn.functional.pad(decoder.grammar.anchor, (0, 1), value=UNKNOWN)
    mine = anchor == model.vocabulary.anchors.index(step.name)
    return (share * mine).sum((2, 3))[:, _frames(model, step)].mean(1).numpy()


def _frames(model: VQText, step: Step) -> slice:
    per_s = model.config.frames / model.config.window_s
    first = round(step.start_s * per_s)
    return slice(first, max(first + 1, round(step.end_s * per_s)))


def _captum(model: VQText, signal: np.ndarray, step: Step, groups: list[list[int]]) -> int:
    """The place to which integrated gradients attribute most of the step's log-likelihood ratio."""
    from captum.attr import IntegratedGradients

    x = torch.from_numpy(signal)[None]
    frames, own = _frames(model, step), model.vocabulary.anchors.index(step.name)
    with torch.no_grad():
        rest = evidence(model, x)[0, frames].sum(0)
        rest[own] = -torch.inf

    def ratio(rows: Tensor) -> Tensor:
        said = evidence(model, rows)[:, frames].sum(1)
        return said[:, own] - said[:, rest.argmax()]

    base = x.nanmean(2, keepdim=True).expand_as(x)
    given = IntegratedGradients(ratio).attribute(x, base, n_steps=16)[0]
    begin, end = (round(s * model.config.rate_hz) for s in (step.start_s, step.end_s))
    return int(torch.stack([given[group, begin:end].sum() for group in groups]).argmax())


def redrawn(
    model: VQText, windows: Windows, learned: np.ndarray, test: np.ndarray, rng: np.random.Generator
) -> None:
    """Print how often a stretch drawn anew makes the other class, and how often random steps do."""
    config, kept = model.config, {}
    flips, random, lengths, seconds, plain = [], [], [], [0.0, 0.0], 0.0
    for label in range(len(config.labels)):
        own = learned[windows.label[learned] == label]
        few = np.unique(own[np.linspace(0, len(own) - 1, 16).astype(int)])
        kept[label] = drawings(model, windows.signal[few], label)
    for row in test:
        signal = windows.signal[int(row)]
        start = time.process_time()
        (reason,) = model.explain(signal)
        plain += time.process_time() - start
        other = other_class(model, signal, reason)
        if other is None:
            continue
        number = config.labels.index(other)
        start = time.process_time()
        reason.why_not(other)
        seconds[0] += time.process_time() - start
        start = time.process_time()
        drawn = redraw(model, signal, reason, other, kept[number])
        seconds[1] += time.process_time() - start
        if drawn is None:
            flips.append(False)
            continue
        flips.append(drawn.label == other)
        if flips[-1]:
            lengths.append((drawn.end_s - drawn.start_s) / config.window_s)
        stretch = [round(s / config.window_s * config.frames) for s in (drawn.start_s, drawn.end_s)]
        window, changed = next(blocks(signal, None, config))[0], []
        for _ in range(DRAWS):
            some = [i for i in kept if kept[i] and i != number]
            drawing = kept[rng.choice(some)]
            example = drawing[rng.integers(len(drawing))]
            place = rng.choice([place for place in example.places.unique().tolist() if place >= 0])
            changed.append(drawn_into(window, (int(place), *stretch), example, config)[0].numpy())
        random.append(np.mean(model.predict(np.stack(changed)) == other))
    told = ", ".join(f"{q:.2f}" for q in np.quantile(lengths, (0.1, 0.5, 0.9)))
    print(f"drawn anew: {np.mean(flips):.3f} of {len(flips)} become the likeliest other class; steps of any")
    print(f"  other class in the same stretch: {np.mean(random):.3f}")
    print(f"  shares of the window that are drawn anew, deciles 1, 5, 9: {told}")
    each = [s / max(1, len(flips)) for s in seconds]
    print(f"  seconds a window: explain {plain / len(test):.3f}, why_not {each[0]:.3f}, redraw {each[1]:.3f}")


if __name__ == "__main__":
    main()
