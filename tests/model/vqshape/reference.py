"""Numbers of the original VQShape on a tiny model, made once and kept in ``reference.npz``.

    VQSHAPE_ORIGINAL=path/to/a/checkout python tests/model/vqshape/reference.py

Weights, series and masks are drawn by a generator whose numbers never change, so that only answers are
stored. Of a gradient, which is as large as its weight, only its norm and two projections are.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from unittest import mock

import numpy as np
import torch
from torch import Tensor

STORED = Path(__file__).with_name("reference.npz")
SIZES = {
    "dim": 16,
    "patch": 8,
    "patches": 8,
    "encoder_heads": 4,
    "encoder_layers": 2,
    "tokenizer_heads": 2,
    "tokenizer_layers": 2,
    "decoder_heads": 4,
    "decoder_layers": 1,
    "tokens": 8,
    "length": 64,
    "shape_length": 16,
    "smoothing": 3,
    "codes": 6,
    "code_dim": 3,
}
MODES = ("evaluate", "pretrain", "tokenize", "forecast", "impute")
SEEN_PATCHES = 5
LOSSES = ("ts_loss", "vq_loss", "shape_loss", "dist_loss")
# The original's name of an answer: ours
ANSWERS = {
    "code_idx": "code",
    "code": "z",
    "t_pred": "t",
    "l_pred": "l",
    "mu_pred": "mu",
    "sigma_pred": "sigma",
    "x_pred": "rebuilt",
    "s_pred": "shapes",
    "s_true": "pieces",
}


def draw(seed: int, shape: tuple[int, ...]) -> Tensor:
    return torch.from_numpy(np.random.RandomState(seed).standard_normal(shape).astype(np.float32))


def weights(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Tensor]:
    """Weights by the original's names, of a size that keeps signals alive."""
    drawn = {}
    for seed, name in enumerate(sorted(shapes)):
        shape = shapes[name]
        value = draw(seed, shape)
        if name == "codebook.embedding.weight":  # where tokens are, so that they take several codes
            value = value + torch.tensor([-0.7, -1.5, -2.2])
        elif name in ("tokenizer.tokens", "attr_decoder.z_head.layers.2.weight"):
            pass  # large, so that tokens differ
        elif len(shape) == 1:
            is_norm = name.endswith("weight")
            value = is_norm + 0.1 * value
        else:
            value = value / max(1, np.prod(shape[1:])) ** 0.5
        drawn[name] = value
    return drawn


def series() -> Tensor:
    return draw(1000, (3, SIZES["length"])).cumsum(-1)


def missing() -> Tensor:
    return (draw(1001, (3, SIZES["length"])) > 1.8).float()


def same_masks() -> mock._patch:
    """Pretraining hides these patches."""
    return mock.patch("torch.rand", lambda *shape, **_: draw(1002, shape).abs())


def told(gradients: list[Tensor | None]) -> np.ndarray:
    """Norm and two projections of each, ``(n, 3)``; a weight that is not reached has none: 0."""
    rows = []
    for seed, g in enumerate(gradients):
        if g is None:
            rows.append([0.0, 0.0, 0.0])
            continue
        sides = [float((g * draw(2000 + 2 * seed + i, tuple(g.shape))).sum()) for i in (0, 1)]
        rows.append([float(g.norm()), *sides])
    return np.array(rows, dtype=np.float32)


def make() -> dict[str, np.ndarray]:
    sys.path.insert(0, os.environ["VQSHAPE_ORIGINAL"])
    from vqshape.model import VQShape

    s = SIZES
    model = VQShape(
        dim_embedding=s["dim"],
        patch_size=s["patch"],
        num_patch=s["patches"],
        num_enc_head=s["encoder_heads"],
        num_enc_layer=s["encoder_layers"],
        num_tokenizer_head=s["tokenizer_heads"],
        num_tokenizer_layer=s["tokenizer_layers"],
        num_dec_head=s["decoder_heads"],
        num_dec_layer=s["decoder_layers"],
        num_token=s["tokens"],
        len_s=s["shape_length"],
        len_input=s["length"],
        s_smooth_factor=s["smoothing"],
        num_code=s["codes"],
        dim_code=s["code_dim"],
        lambda_commit=0.25,
        lambda_entropy=0.1,
    ).eval()
    model.load_state_dict(weights({k: tuple(v.shape) for k, v in model.state_dict().items()}))
    names = sorted(k for k, _ in model.named_parameters())
    parameters = dict(model.named_parameters())
    answers: dict[str, np.ndarray] = {"names": np.array(names)}
    for mode in MODES:
        losses = None
        with same_masks():
            if mode == "tokenize":
                representations, out = model(series(), mode=mode)
                answers |= {f"tokenize/{k}": v.detach().numpy() for k, v in representations.items()}
            elif mode == "forecast":
                out = model(series(), mode=mode, num_input_patch=SEEN_PATCHES)
            elif mode == "impute":
                _, out = model(series(), mode="imputation", mask=missing())
            else:
                out, losses = model(series(), mode=mode)
        for name in ANSWERS:
            if out[name] is not None:
                answers[f"{mode}/{name}"] = out[name].detach().numpy()
        for name in LOSSES if losses else ():
            answers[f"{mode}/{name}"] = losses[name].detach().numpy()
            values = [parameters[k] for k in names]
            grads = torch.autograd.grad(losses[name].sum(), values, retain_graph=True, allow_unused=True)
            answers[f"{mode}/{name}/gradients"] = told(list(grads))
        used = np.unique(answers[f"{mode}/code_idx"])
        assert len(used) >= 3, f"{mode}: only codes {used} are used, too few to compare"
    return answers


if __name__ == "__main__":
    np.savez_compressed(STORED, **make())
    print(f"{STORED}: {STORED.stat().st_size / 1024:.1f} kB")
