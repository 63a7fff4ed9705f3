"""Our VQShape against the original's own code, live: largest differences, on random weights and series.

    VQSHAPE_ORIGINAL=path/to/a/checkout python benchmarks/vqshape_parity.py

The checkout (github YunshiWen/VQShape) needs einops. Both published sizes, every mode, each loss and its
gradients; then a checkpoint there and back, through the original's own LitVQShape. Exits with 1 where a limit
is passed.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from types import ModuleType
from typing import Any

import torch

from vqtext.model.vqshape import VQShape, VQShapeConfig
from vqtext.model.vqshape.original import OPTIONS, PREFIX, original_name

BATCH, SEEN_PATCHES = 4, 40
TENSORS, RELATIVE = 1e-5, 1e-4  # limits: of every tensor; of losses and gradients
PAIRS = {
    "code": "z",
    "t_pred": "t",
    "l_pred": "l",
    "mu_pred": "mu",
    "sigma_pred": "sigma",
    "x_pred": "rebuilt",
    "s_pred": "shapes",
    "s_true": "pieces",
}
NO_EFFECT = "shape_decoder.out.bias"
LOSSES = ("ts_loss", "vq_loss", "shape_loss", "dist_loss")
ARGUMENTS = {  # of the original's VQShape where they are not called as the options of its command
    "num_transformer_enc_heads": "num_enc_head",
    "num_transformer_enc_layers": "num_enc_layer",
    "num_tokenizer_heads": "num_tokenizer_head",
    "num_tokenizer_layers": "num_tokenizer_layer",
    "num_transformer_dec_heads": "num_dec_head",
    "num_transformer_dec_layers": "num_dec_layer",
    "normalize_length": "len_input",
    "lambda_vq_commit": "lambda_commit",
    "lambda_vq_entropy": "lambda_entropy",
}
TRAINER_ONLY = {"lambda_x", "lambda_z", "lambda_s", "lambda_dist"}


def checkout() -> None:
    """Make the original importable."""
    where = os.environ.get("VQSHAPE_ORIGINAL", "")
    if not (Path(where) / "vqshape" / "model.py").exists():
        sys.exit("VQSHAPE_ORIGINAL must name a checkout of github.com/YunshiWen/VQShape")
    sys.path.insert(0, where)


def original(config: VQShapeConfig) -> Any:
    """The original of these sizes, its weights drawn as it draws them."""
    from vqshape.model import VQShape as Original

    options = {
        theirs: getattr(config, ours) for ours, theirs in OPTIONS.items() if theirs not in TRAINER_ONLY
    }
    return Original(**{ARGUMENTS.get(name, name): value for name, value in options.items()})


def ours(theirs: Any, config: VQShapeConfig) -> VQShape:
    """Ours with the weights of an original."""
    model = VQShape(config)
    weights = {k: theirs.state_dict()[original_name(k).removeprefix(PREFIX)] for k in model.state_dict()}
    model.load_state_dict(weights)
    return model


def spread_codes(theirs: Any, x: torch.Tensor) -> None:
    """Codes where tokens are: as drawn, all tokens take one or two codes, and comparing them is easy."""
    with torch.no_grad():
        theirs.tokenizer.tokens.normal_()
        for layer in (0, 2):
            theirs.attr_decoder.z_head.layers[layer].weight.mul_(3)
        patches = theirs.encoder((x - x.mean(-1, keepdim=True)) / x.std(-1, keepdim=True))
        z = theirs.attr_decoder(theirs.tokenizer(patches))[0].flatten(0, 1)
        codes = theirs.codebook.embedding.weight
        codes.copy_(z[torch.randint(len(z), (len(codes),))] + 0.1 * z.std() * torch.randn_like(codes))


def compare(name: str, config: VQShapeConfig) -> bool:
    torch.manual_seed(0)
    theirs = original(config).eval()
    x = torch.randn(BATCH, config.length).cumsum(-1)
    x = (x - x.mean(-1, keepdim=True)) / x.std(-1, keepdim=True)  # as the original's reader gives them
    spread_codes(theirs, x)
    model = ours(theirs, config).eval()
    missing = (torch.rand(BATCH, config.length) > 0.97).float()
    fine = True
    for mode in ("evaluate", "pretrain", "tokenize", "forecast", "impute"):
        torch.manual_seed(1)  # the same patches are hidden in both
        losses = None
        if mode == "tokenize":
            representations, a = theirs(x, mode=mode)
        elif mode == "forecast":
            a = theirs(x, mode=mode, num_input_patch=SEEN_PATCHES)
        elif mode == "impute":
            _, a = theirs(x, mode="imputation", mask=missing)
        else:
            a, losses = theirs(x, mode=mode)
        torch.manual_seed(1)
        b = model(x, mode, seen_patches=SEEN_PATCHES, missing=missing, decode=True)
        same = int((a["code_idx"] != b.code).sum())
        apart = {ours: gap(a[k], getattr(b, ours)) for k, ours in PAIRS.items() if a[k] is not None}
        if mode == "tokenize":
            apart["tokens"] = gap(representations["token"], b.features)
            apart["histogram"] = gap(representations["histogram"], b.histogram(config.codes))
        told = f"{same} of {b.code.numel()} codes differ ({b.code.unique().numel()} codes are used)"
        print(f"\n{name}, {mode}: {told}")
        print("  " + ", ".join(f"{k} {v:.0e}" for k, v in apart.items()))
        fine &= same == 0 and max(apart.values()) <= TENSORS
        for place, loss in enumerate(LOSSES if losses else ()):
            far, where = gradients(theirs, model, losses[loss].sum(), b.losses[place])
            off = gap(losses[loss], b.losses[place]) / abs(losses[loss].item())
            print(f"  {b.losses._fields[place]:7} relative {off:.0e}; its gradients {far:.0e}, at {where}")
            fine &= off <= RELATIVE and far <= RELATIVE
    return fine


def gap(a: torch.Tensor, b: torch.Tensor) -> float:
    """Largest difference, relative where numbers are larger than 1."""
    a, b = a.detach(), b.detach().reshape(a.shape)
    return ((a - b).abs() / a.abs().clamp(min=1)).max().item()


def gradients(theirs: Any, model: VQShape, a: torch.Tensor, b: torch.Tensor) -> tuple[float, str]:
    """Of all weights, the largest |difference of gradients| / |gradient|, and whose it is.

    Small gradients count as if they were a thousandth of the largest. One is left out: curves are scaled to
    mean 0, so the bias before that changes nothing, and its gradient is nothing but rounding.
    """
    named = dict(theirs.named_parameters())
    pairs = [
        (original_name(k).removeprefix(PREFIX), p) for k, p in model.named_parameters() if k != NO_EFFECT
    ]
    g = torch.autograd.grad(a, [named[k] for k, _ in pairs], retain_graph=True, allow_unused=True)
    h = torch.autograd.grad(b, [p for _, p in pairs], retain_graph=True, allow_unused=True)
    most = max(x.norm().item() for x in g if x is not None)
    worst = (0.0, "-")
    for (name, p), x, y in zip(pairs, g, h, strict=True):
        x, y = (torch.zeros_like(p) if v is None else v for v in (x, y))
        worst = max(worst, ((x - y).norm().item() / max(x.norm().item(), 1e-3 * most), name))
    return worst


def there_and_back() -> bool:
    """Ours → a checkpoint → the original's LitVQShape → its own checkpoint → ours."""
    import lightning  # noqa: F401  # before the next line, which it would take for the real ones

    for absent in (
        "wandb",
        "matplotlib",
        "matplotlib.pyplot",
    ):  # of its training script; nothing here uses them
        sys.modules.setdefault(absent, ModuleType(absent))
    try:
        from vqshape.pretrain import LitVQShape
    except ImportError as error:
        print(f"\nnot compared: LitVQShape, whose module needs {error.name}")
        return True
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "VQShape.ckpt"
        model = VQShape(VQShapeConfig.dim256_codes512())
        model.save_original(path)
        lit = LitVQShape.load_from_checkpoint(path, map_location="cpu")
        for name, value in model.state_dict().items():
            if not torch.equal(lit.state_dict()[original_name(name)], value):
                print(f"\nLitVQShape loaded another {name}")
                return False
        back = VQShape.from_original(path)
    print(
        "\nLitVQShape.load_from_checkpoint loads what `vqtext export --to original` writes: all weights equal"
    )
    return back.config == model.config


def main() -> None:
    checkout()
    torch.set_num_threads(2)
    sizes = {
        "dim 256, 512 codes": VQShapeConfig.dim256_codes512(),
        "dim 512, 64 codes": VQShapeConfig.dim512_codes64(),
    }
    fine = [compare(name, config) for name, config in sizes.items()] + [there_and_back()]
    print(f"\nlimits: codes identical, tensors {TENSORS:.0e}, losses and gradients {RELATIVE:.0e}:", end=" ")
    print("kept" if all(fine) else "PASSED OVER")
    sys.exit(not all(fine))


if __name__ == "__main__":
    main()
