"""Our VQShape's speed and memory against the original's own code: same weights, same batch, in turns.

    VQSHAPE_ORIGINAL=path/to/a/checkout python benchmarks/speed.py [--codes spread] [--profile | --memory]

Times are of one process, in which the two take turns: what else the machine does hits both. Ratios are of
neighbours, and of the best time of each, which a busy machine disturbs least. Memory is the largest resident
size of a process of its own, less what it had before the work.

``--works channels`` is another question: windows of 45 channels, as one joint model of the same sizes takes
them whole, and as the original takes 45 series; windows a second, of tokenising and of training steps. Ours
holds reconstruction, commitment and classes there; names, which come on top, have their own benchmarks.

``--codes drawn``: weights as they are drawn, where tokens take few codes. ``--codes spread``: codes are put
where tokens are, so that a batch takes about as many as there are. ``--bf16`` runs ours under autocast,
``--compile`` through torch.compile; both are off by default and neither is in the claims.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

import torch
from vqshape_parity import checkout, original, ours, spread_codes

from vqtext.data.readers.dsads import CHANNELS
from vqtext.model.config import ModelConfig
from vqtext.model.network.network import Network
from vqtext.model.vqshape import VQShapeConfig
from vqtext.settings.schema import ModelSettings

BATCH, THREADS = 32, 2
SIZES = {"256/512": VQShapeConfig.dim256_codes512, "512/64": VQShapeConfig.dim512_codes64}
WORKS = ("train", "tokenise", "decode")
WINDOWS = 16  # that the joint model takes at once


def build(size: str, codes: str) -> tuple[Any, Any, torch.Tensor]:
    """The original, ours with its weights, and a batch."""
    torch.manual_seed(0)
    config = SIZES[size]()
    theirs = original(config)
    x = torch.randn(BATCH, config.length).cumsum(-1)
    x = (x - x.mean(-1, keepdim=True)) / x.std(-1, keepdim=True)
    if codes == "spread":
        spread_codes(theirs.eval(), x)
    return theirs, ours(theirs, config), x


def job(model: Any, x: torch.Tensor, work: str, args: argparse.Namespace) -> Callable[[], None]:
    """One piece of work: a whole training step as the original's trainer does it; a batch tokenised into its
    two representations; or decoded again too. The original does both of the latter in its one mode.
    """
    is_ours = hasattr(model, "config")
    options = (is_ours and args.bf16, is_ours and args.compile)
    run = torch.compile(model) if options[1] else model
    if work != "train":
        model.eval()

        @torch.no_grad()
        def tokenise() -> None:
            with torch.autocast("cpu", torch.bfloat16, enabled=options[0]):
                if not is_ours:
                    run(x, mode="tokenize")
                else:
                    out = run(x, mode="tokenize", decode=work == "decode")
                    _ = out.features, out.histogram(model.config.codes)

        return tokenise
    model.train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, weight_decay=0.01, fused=is_ours)

    def step() -> None:
        with torch.autocast("cpu", torch.bfloat16, enabled=options[0]):
            if is_ours:
                loss = run(x).losses.total(model.config)
            else:
                _, parts = run(x)
                loss = sum(parts[k] for k in ("ts_loss", "vq_loss", "shape_loss")) + 0.8 * parts["dist_loss"]
        optimizer.zero_grad()
        loss.sum().backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()

    return step


def joint(config: VQShapeConfig) -> Network:
    """A joint model of the sizes of a VQShape, and of the same windows."""
    sizes = ModelSettings(
        dim=config.dim, dim_code=config.code_dim, codes=config.codes, patches=config.patches,
        tokens=config.tokens, layers=config.encoder_layers, heads=config.encoder_heads,
    )  # fmt: skip
    labels = tuple(f"label {i}" for i in range(10))
    anchors = torch.nn.functional.normalize(torch.randn(30, 384), dim=-1)
    return Network(ModelConfig(sizes, CHANNELS, config.length, 50.0, labels, text_dim=384), anchors)


def race_channels(size: str, args: argparse.Namespace) -> None:
    """Windows of many channels: each as so many series, and whole."""
    theirs, _, _ = build(size, args.codes)
    config = SIZES[size]()
    network = joint(config)
    windows = torch.randn(WINDOWS, len(CHANNELS), config.length).cumsum(-1)
    windows = (windows - windows.mean(-1, keepdim=True)) / windows.std(-1, keepdim=True)
    label = torch.arange(WINDOWS) % 10
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-4)

    @torch.no_grad()
    def tokenise() -> None:
        network.eval().read(windows)

    def step() -> None:
        out = network.train()(windows)
        missed = (out.rebuilt - out.signal).square().mean()
        optimizer.zero_grad()
        (missed + out.commitment + torch.nn.functional.cross_entropy(out.classes, label)).backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()

    for work, own in (("tokenise", tokenise), ("train", step)):
        each = job(theirs, windows[0], work, args)
        each(), own()
        (a, b), ratios = in_turns((each, own), args.repeats, WINDOWS)
        print(
            f"{size:8} {work:9} of {len(CHANNELS)} channels: best {1 / a:.2f} → {1 / b:.1f} windows/s; "
            f"pairs {statistics.median(ratios):.0f}× (min {ratios[0]:.0f}, max {ratios[-1]:.0f}, "
            f"of {len(ratios)})",
            flush=True,
        )


def clock(work: Callable[[], None]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def in_turns(jobs: Sequence[Callable[[], None]], repeats: int, more: int = 1) -> tuple[Any, list[float]]:
    """The best time of each of two jobs, and the ratios of neighbours, sorted; the second job does ``more``
    times as much."""
    times = [(clock(jobs[0]), clock(jobs[1]) / more) for _ in range(repeats)]
    return [min(column) for column in zip(*times, strict=True)], sorted(a / b for a, b in times)


def race(size: str, work: str, args: argparse.Namespace) -> None:
    """Theirs, ours, theirs, ours …"""
    theirs, mine, x = build(size, args.codes)
    used = mine.eval().tokenize(x).code.unique().numel()
    jobs = [job(model, x, work, args) for model in (theirs, mine)]
    for once in jobs:
        once()
    (a, b), ratios = in_turns(jobs, args.repeats)
    middle = statistics.median(ratios)
    print(
        f"{size:8} {work:9} {used:3} codes: best {BATCH / a:.1f} → {BATCH / b:.1f} series/s, {a / b:.2f}×; "
        f"pairs {middle:.2f}× (min {ratios[0]:.2f}, max {ratios[-1]:.2f}, of {len(ratios)})",
        flush=True,
    )


def memory(size: str, work: str, args: argparse.Namespace) -> None:
    """Each in a process of its own."""
    peaks = []
    for who in ("theirs", "ours"):
        command = [sys.executable, __file__, "--one", who, size, work, "--codes", args.codes]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        peaks.append(float(done.stdout.split()[-1]))
    print(
        f"{size:8} {work:9} memory: {peaks[0]:.0f} → {peaks[1]:.0f} MB, {peaks[1] / peaks[0]:.2f} of it",
        flush=True,
    )


def one(who: str, size: str, work: str, args: argparse.Namespace) -> None:
    theirs, mine, x = build(size, args.codes)
    model = theirs if who == "theirs" else mine
    del theirs, mine
    once = job(model, x, work, args)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    once()
    once()
    print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024)


def profile(size: str, work: str, args: argparse.Namespace) -> None:
    """Where the time of each goes, by operator, of one run after a warm one."""
    theirs, mine, x = build(size, args.codes)
    for name, model in (("theirs", theirs), ("ours", mine)):
        once = job(model, x, work, args)
        once()
        with torch.profiler.profile() as found:
            once()
        rows = sorted(found.key_averages(), key=lambda row: -row.self_cpu_time_total)
        total = sum(row.self_cpu_time_total for row in rows)
        print(f"\n{size} {work}, {name}: {total / 1e6:.2f} s")
        for row in rows[:14]:
            share = row.self_cpu_time_total / total
            print(f"  {share:6.1%} {row.self_cpu_time_total / 1e3:8.1f} ms {row.count:5} × {row.key[:60]}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--sizes", nargs="+", choices=SIZES, default=list(SIZES))
    parser.add_argument("--works", nargs="+", choices=(*WORKS, "channels"), default=list(WORKS))
    parser.add_argument("--codes", choices=("drawn", "spread"), default="drawn")
    parser.add_argument("--bf16", action="store_true")
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--profile", action="store_true")
    parser.add_argument("--memory", action="store_true")
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if "channels" in args.works and (args.bf16 or args.compile or args.profile or args.memory):
        parser.error("--works channels goes with none of --bf16, --compile, --profile, --memory")
    checkout()
    torch.set_num_threads(THREADS)
    if args.one:
        return one(*args.one, args)
    do = profile if args.profile else memory if args.memory else race
    for size in args.sizes:
        for work in args.works:
            race_channels(size, args) if work == "channels" else do(size, work, args)


if __name__ == "__main__":
    main()
