"""What text does to tokens: z, mu, sigma, t and l of the same training windows, with their text and without.

    python benchmarks/text_moves_tokens.py [--channels independent|joint] [--epochs 30] [--out docs/text.svg]

Trained on BasicMotions. A saved model has no weight that text used, so this is a network in training.
Prints, and writes into the figure, how far each attribute moves in units of its own spread over tokens.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
import torch
from stages import WORDS, stages

from vqtext.data.splits.folds import splits_for
from vqtext.model.training.fit import fit
from vqtext.pipeline.artifacts import read_windows
from vqtext.pipeline.training.assemble import training_data
from vqtext.settings.schema import GuidanceSettings, ModelSettings, Settings, TrainSettings

POINTS = 500  # of a panel
SIDE, GAP, TOP = 150, 36, 46  # of a panel in pixels, and around it


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--channels", default="independent", choices=("independent", "joint"))
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    without, with_text, changed = tokens(args.channels, args.epochs)
    panels = []
    for name in without:
        before, after = without[name].ravel(), with_text[name].ravel()
        moved = float(np.abs(after - before).mean() / before.std())
        panels.append((name, moved, before, after))
        print(f"{name:6} moves by {moved:.2f} of its spread", flush=True)
    print(f"{changed:.0%} of the tokens are given another code")
    if args.out:
        args.out.write_text(figure(panels), encoding="utf-8")


def tokens(channels: str, epochs: int) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray], float]:
    """Attributes of the tokens of all training windows, without text and with it, and the share of those
    whose code is another one then."""
    train = TrainSettings(epochs=epochs)
    with tempfile.TemporaryDirectory() as folder:
        model, both = ModelSettings(channels=channels), GuidanceSettings(source="both")
        settings = Settings(cache=Path(folder), model=model, guidance=both, train=train)
        stages(settings, WORDS)
        windows = read_windows(settings.cache / "windows.h5")
        split = splits_for(windows, train)[0]
        config, data = training_data(windows, split, settings)
        work = Path(folder) / "work"
        network, *_ = fit(config, data, train, settings.guidance.drop, 0, work, lambda *_: None)
        place = data.train.numpy()
        signal = torch.from_numpy(np.asarray(data.signal[data.rows[place]]))
        draws = np.zeros(len(place), dtype=int).tolist()
        assert data.guidance is not None
        text, mask = data.guidance.batch(place.tolist(), data.label[place].tolist(), draws, drop=0.0)
    network.eval()
    with torch.no_grad():
        silent, guided = network(signal), network(signal, text.float(), mask)
    kept = silent.keep & guided.keep

    def attributes(out) -> dict[str, np.ndarray]:
        told = {"z": out.latent, "mu": out.mu, "sigma": out.sigma, "t": out.t, "l": out.l}
        return {name: value[kept].numpy() for name, value in told.items()}

    changed = (silent.code != guided.code)[kept].float().mean()
    return attributes(silent), attributes(guided), float(changed)


def figure(panels: list[tuple[str, float, np.ndarray, np.ndarray]]) -> str:
    """An SVG of one panel an attribute: its value without text across, with text upwards."""
    width, height = len(panels) * (SIDE + GAP) + GAP, TOP + SIDE + GAP
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        'font-family="sans-serif" font-size="11">',
        f'<rect width="{width}" height="{height}" fill="white"/>',
    ]
    for number, (name, moved, before, after) in enumerate(panels):
        left = GAP + number * (SIDE + GAP)
        low, high = np.percentile(np.concatenate([before, after]), [1, 99])
        own = np.random.default_rng(0).choice(len(before), min(POINTS, len(before)), replace=False)
        x, y = (np.clip((v[own] - low) / max(high - low, 1e-9), 0, 1) for v in (before, after))
        parts.append(
            f'<text x="{left}" y="{TOP - 24}" font-weight="bold">{name}</text>'
            f'<text x="{left}" y="{TOP - 8}">moves {moved:.2f} of its spread</text>'
            f'<rect x="{left}" y="{TOP}" width="{SIDE}" height="{SIDE}" fill="none" stroke="#999"/>'
            f'<path d="M{left} {TOP + SIDE}l{SIDE} {-SIDE}" stroke="#999" stroke-dasharray="3"/>'
            f'<text x="{left}" y="{TOP + SIDE + 14}">without text</text>'
            f'<text transform="translate({left - 6} {TOP + SIDE}) rotate(-90)">with text</text>'
        )
        parts += [
            f'<circle cx="{left + SIDE * a:.1f}" cy="{TOP + SIDE * (1 - b):.1f}" r="1.5" fill="#1f77b4" '
            'fill-opacity=".5"/>'
            for a, b in zip(x, y, strict=True)
        ]
    return "\n".join([*parts, "</svg>\n"])


if __name__ == "__main__":
    main()
